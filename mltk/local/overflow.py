"""Logs that grow beyond all measure: their middle is left out, so that no step fills the disk."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LOG_BYTES = 64 * 1024**2
"""What is kept of the log of a container: its first half and, as it goes on, its end."""

_LINE = 1 << 16  # as far as a line is looked for to end with
_WORD = "\nmltk: the log has passed {} bytes, its middle is left out\n"


def shorten(log: Path, most: int) -> None:
    """Leave out the middle of a log of more than `most` bytes; for whoever alone writes to it.

    Its file stays the same, so that one who reads it reads on.
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
        half = most // 2
        start = max(0, half - _LINE)
        file.seek(start)
        line = file.read(half - start).rfind(b"\n") + 1
        kept = start + line if line else half
        file.seek(size - most // 4)
        end = file.read()
        file.truncate(kept)
    with log.open("ab") as file:
        file.write(_WORD.format(most).encode() + end[end.find(b"\n") + 1 :])
