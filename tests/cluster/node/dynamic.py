"""A program of this machine with the shared libraries that it needs, to put into an image."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.cluster.node.commands import run

_LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)


def with_libraries(
    programs: Iterable[Path], env: Mapping[str, str] | None = None
) -> dict[str, Path]:
    """Each file by the path in the image where it is looked for; `env` is for finding them."""
    found = {}
    for program in programs:
        for path in (
            str(program),
            *_LIBRARY.findall(run(["ldd", program], env={**os.environ, **(env or {})})),
        ):
            found[path.lstrip("/")] = Path(path)
    return found
