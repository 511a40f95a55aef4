"""The judge, or words that it is missing."""

from __future__ import annotations

import pytest

from tests.parity_triggers import judging


@pytest.fixture(autouse=True, scope="session")
def judge() -> None:
    """Skip in words where Tekton's code cannot be asked."""
    if why := judging.missing():
        pytest.skip(why)
