"""What a listener says of each event, as text or as JSON, a line each."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

Format = Literal["text", "json"]
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Lines(logging.Formatter):
    """The message with the facts that came with it."""

    def __init__(self, form: Format) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {name: value for name, value in vars(record).items() if name not in _OWN}
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}: {self.formatException(record.exc_info)}"
        if self._form == "json":
            told = {"time": moment, "level": record.levelname.lower(), "message": message, **facts}
            return json.dumps(told, default=str)
        said = [f"{name}={_word(str(value))}" for name, value in facts.items()]
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        return " ".join([moment, level + _line(message), *said])


def _line(text: str) -> str:
    """Text that somebody else may have written, which must not look like lines of ours."""
    return text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text


def _word(text: str) -> str:
    return json.dumps(text) if not text or " " in text or not text.isprintable() else text


def begin(form: Format, level: int = logging.INFO) -> None:
    """Let what `mltk.listener` says go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(form))
    logger = logging.getLogger("mltk.listener")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level)
