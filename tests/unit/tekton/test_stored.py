"""Objects are kept as Tekton's webhooks keep them, however they came here."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltk.local.backend import LocalBackend
from tests.parity.stored import Stored, essence, stored


@pytest.mark.parametrize("case", stored(), ids=lambda case: case.path.stem)
def test_kept_as_tekton_keeps_it(case: Stored, tmp_path: Path) -> None:
    with LocalBackend(tmp_path / ".mltk") as backend:
        ((made, _),) = backend.apply([case.given])
        assert essence(made) == case.kept
        ((again, _),) = backend.apply([case.given])
        assert again["spec"] == made["spec"]
