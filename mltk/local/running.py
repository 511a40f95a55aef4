"""A child of a fork server as the server sees it: what it says of its command, and its output."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from mltk.local.output import Output

Message = dict[str, Any]


@dataclass
class Running:
    """A child with the `number` that the engine gave it; `report` is the pipe that it tells over.

    It tells first what is in the way of its command, if anything, and then its exit code (-n for
    signal n) and whether something else of it still runs. One that becomes its command itself just
    closes the pipe, and how it ended is for its parent to see.
    """

    number: int
    report: int
    output: Output
    refusal: Message | None = None
    started: bool = False
    code: int | None = None
    is_over: bool = False
    _heard: bytes = field(default=b"", repr=False)

    def hear(self) -> bool:
        """Take what it has said; False when there is nothing more to come."""
        chunk = os.read(self.report, 65536)
        *lines, self._heard = (self._heard + chunk).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        self.started = True
        return bool(chunk)

    def _take(self, told: Message) -> None:
        if "code" in told:
            # One that waits outside for the first process of a container tells of that one.
            self.code = told["code"] if self.code is None else self.code
            self.is_over = not told["left"]
        else:
            self.refusal = told or None

    def close(self) -> None:
        """Close what belongs to it."""
        os.close(self.report)
        self.output.close()

    def finish(self) -> None:
        """Copy what is left of its output, and close what belongs to it."""
        os.close(self.report)
        self.output.finish()
