"""Tekton's answers, from a program that is built of its own packages.

The program lies in the cache and is built again when a file of ``judge/`` changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mltk.tekton import gojson
from tests.cluster.node.commands import run
from tests.cluster.node.layout import cache

_SOURCE = Path(__file__).parent / "judge"

Answer = dict[str, Any]
"""``status`` and ``body`` of what the interceptors' server answers, or ``panic``."""


def missing() -> str:
    """What this machine lacks, in words; "" for nothing."""
    if _program().is_file() or shutil.which("go"):
        return ""
    return "Tekton's own interceptors are built with Go, which is not here: see https://go.dev/dl/"


def ask(questions: Iterable[Any]) -> list[Answer]:
    """The answers to `questions`, in order, from one process."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    return [
        gojson.decode(line) for line in run([_built()], stdin=lines.encode()).encode().splitlines()
    ]


def _built() -> Path:
    program = _program()
    if not program.is_file():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
            made = Path(folder) / program.name
            go = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(made), "."]
            run(go, cwd=_SOURCE, env=env)
            made.rename(program)
    return program


def _program() -> Path:
    digest = hashlib.sha256()
    for path in sorted(_SOURCE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return cache() / "bin" / f"triggers-judge-{digest.hexdigest()[:12]}"
