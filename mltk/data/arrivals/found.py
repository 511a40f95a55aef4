"""Objects as they lie at a source."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mltk.errors import MltkError


@dataclasses.dataclass(frozen=True)
class Found:
    """An object at a source; `version` is its generation, its ETag or the MD5 of its bytes.

    `name` is where it lies below the place that mltk.yaml names. `digest` is the MD5 of its bytes
    where the store tells it beside a version that changes with each write.
    """

    uri: str
    name: str
    version: str
    size: int | None
    time: datetime | None
    digest: str = ""


class ChangedError(MltkError):
    """An object was written anew while it was read; another look takes it."""


class Storage(Protocol):
    """A place where objects appear."""

    def find(self) -> Sequence[Found]:
        """All that lies there whole; InfrastructureError when it cannot be looked at."""

    def fetch(self, found: Found, target: Path) -> None:
        """Write the object's bytes to `target`; ChangedError when it is another by now."""
