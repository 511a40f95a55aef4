"""Logs that grow beyond all measure: their middle is left out, so that no step fills the disk."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LOG_BYTES = 64 * 1024**2
"""What is kept of the log of a step: its first half and, as it goes on, its end."""


_WORD = "\nmltk: the log has passed {} bytes, its middle is left out\n"


def shorten(log: Path, most: int) -> None:
    """Leave out the middle of a log of more than `most` bytes; the step may go on writing to it.

    Its file stays the same, so a step that appends to it goes on at its end. What it writes in this
    very moment may be left out, too.
    """
    with suppress(FileNotFoundError):
        if (size := log.stat().st_size) > most:
            _cut(log, size, most)


def gap(file: BinaryIO) -> int:
    """Where what was left out of a log has been, with a word on it; the end when nothing was."""
    file.seek(0)
    text = file.read()
    found = text.rfind(_WORD.partition("{")[0].encode())
    return len(text) if found < 0 else found + 1


def _cut(log: Path, size: int, most: int) -> None:
    with log.open("r+b") as file:
        kept = file.read(most // 2).rfind(b"\n") + 1 or most // 2
        file.seek(size - most // 4)
        end = file.read()
        # Between these two the step may write: the fewer things happen here the better.
        end += file.read()
        file.truncate(kept)
    with log.open("ab") as file:
        end = end[-most // 4 :]
        file.write(_WORD.format(most).encode() + end[end.find(b"\n") + 1 :])
