"""Whether somebody serves a store, asked where the processes of this machine cannot be seen.

The record of a server stays when it is killed, and a step in namespaces of its own sees no process
that it could look for. A lock on a file goes with the process, and is seen wherever the file is.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mltk.errors import InfrastructureError


@contextmanager
def serving(file: Path) -> Iterator[None]:
    """Be seen to serve; `file` is `Layout.office`."""
    try:
        opened = file.open("ab")
    except OSError as error:
        raise InfrastructureError(f"cannot be opened: {error.strerror}", where=str(file)) from None
    with opened:
        fcntl.flock(opened, fcntl.LOCK_EX)  # it waits for nobody but those who ask
        yield


def is_served(file: Path) -> bool:
    """Whether a process that lives serves the store."""
    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except OSError:  # it is locked, or nobody can tell, and then the record is to be believed
        return True
