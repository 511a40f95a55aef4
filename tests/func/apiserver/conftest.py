from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from .serving import Http, Served, served, serving


@pytest.fixture
def http(tmp_path: Path) -> Iterator[Http]:
    """A server with an empty store."""
    with serving(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`mltk serve`, shared by the tests of a module."""
    with served(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"t-{secrets.token_hex(3)}"
