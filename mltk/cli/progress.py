"""Live progress on stderr: redrawn in place on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Self

from mltk.cli.board import Board, Look
from mltk.cli.output import in_colour
from mltk.closing import Closing
from mltk.tekton.objects import Obj

_REDRAW_SECONDS = 0.1


class Progress(Closing):
    """Shows the objects that it is called with; a context manager, leaving it draws the end.

    `stream` is where to draw; a terminal gets a board that is redrawn, anything else plain lines.
    """

    def __init__(
        self,
        stream: IO[str] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._board = Board()
        self._live = self._stream.isatty() and in_cursor_terminal()
        self._drawn = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._redraw, daemon=True)

    def __call__(self, obj: Obj) -> None:
        """Take a PipelineRun or TaskRun that has changed."""
        lines = self._board.take(obj)
        if lines and not self._live:
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()

    def __enter__(self) -> Self:
        if self._live:
            self._thread.start()
        return self

    def close(self) -> None:
        """Draw the end."""
        self._ended.set()
        if self._live:
            self._thread.join()
            self._draw(whole=True)

    def _redraw(self) -> None:
        while not self._ended.wait(_REDRAW_SECONDS):
            self._draw()

    def _draw(self, *, whole: bool = False) -> None:
        size = shutil.get_terminal_size()
        look = Look(
            width=size.columns - 1,
            # Lines above the top of the screen could not be redrawn.
            height=1000 if whole else size.lines - 1,
            colour=in_colour(self._stream),
            unicode="utf" in (getattr(self._stream, "encoding", None) or "").lower(),
        )
        lines = self._board.lines(self._clock(), look)
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._stream.write(up + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        self._stream.flush()
        self._drawn = len(lines)


def in_cursor_terminal() -> bool:
    """Whether the terminal can move its cursor, as far as TERM says."""
    import os

    return os.environ.get("TERM", "dumb") != "dumb"
