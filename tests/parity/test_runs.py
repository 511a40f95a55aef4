"""What a run comes to is the same on this machine and on a cluster."""

from __future__ import annotations

import pytest

from tests.parity.allowed import ALLOWED, Allowed, surprises
from tests.parity.cases import cases
from tests.parity.picture import Difference

Found = dict[str, list[Difference]]


@pytest.mark.parametrize("name", [case.name for case in cases()])
def test_a_run_ends_as_in_tekton(name: str, found: Found) -> None:
    assert not (unexpected := surprises(name, found[name])), "\n".join(map(str, unexpected))


@pytest.mark.parametrize("row", ALLOWED, ids=lambda row: row.place)
def test_what_is_allowed_to_differ_does(row: Allowed, found: Found) -> None:
    assert any(row.covers(name, each) for name, rows in found.items() for each in rows), (
        f"nothing differs at {row.place} any more: take the row out"
    )
