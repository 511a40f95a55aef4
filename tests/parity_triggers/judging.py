"""Tekton's answers, from a program that is built of its own packages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mltk.tekton import gojson
from tests.built import GoProgram
from tests.cluster.node.commands import run

_JUDGE = GoProgram(
    "triggers-judge", Path(__file__).parent / "judge", "TEKTON'S OWN INTERCEPTORS ARE NOT ASKED"
)

Answer = dict[str, Any]
"""``status`` and ``body`` of what the interceptors' server answers, or ``panic``."""


def missing() -> str:
    """What this machine lacks, in words; "" for nothing."""
    return _JUDGE.missing()


def ask(questions: Iterable[Any]) -> list[Answer]:
    """The answers to `questions`, in order, from one process."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    said = run([_JUDGE.built()], stdin=lines.encode())
    return [gojson.decode(line) for line in said.encode().splitlines()]
