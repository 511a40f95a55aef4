"""What clients are told of the kinds."""

from __future__ import annotations

import pytest

from mltk.apiserver import openapi


@pytest.mark.parametrize("path", sorted(openapi.index()["paths"]))
def test_every_version_is_described(path: str) -> None:
    assert openapi.document(path)["openapi"].startswith("3.")
