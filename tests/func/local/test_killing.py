"""A small `make kill-test`: what engines lose when they are killed at random moments."""

from __future__ import annotations

from pathlib import Path

import pytest

from .killing import Killing


@pytest.mark.parametrize("isolated", [False, True], ids=["plain", "isolated"])
def test_engines_that_are_killed_lose_nothing_and_do_nothing_twice(
    tmp_path: Path, isolated: bool
) -> None:
    said: list[str] = []
    tally = Killing(tmp_path, seed=7, isolated=isolated).run(15, said.append)
    assert tally.problems == []
    assert {"servers", "commands", "commands beside another"} < tally.kills.keys()
    assert tally.interrupted  # else the kills came at no moment that matters
    assert len(said) == 1
