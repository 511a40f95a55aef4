"""Silence for native code that writes to stderr whatever its log level is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def native_stderr_dropped() -> Iterator[None]:
    """Drop what is written to file descriptor 2 meanwhile; exceptions still tell of errors."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
