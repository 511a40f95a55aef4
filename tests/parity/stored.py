"""Objects, and how Tekton's webhooks keep them: what they write where an object says nothing.

Each file of ``stored/`` holds an object and what was kept of it; ``MLTK_REGENERATE=1 make
test-cluster`` asks Tekton again. Fields that Go writes though nothing is in them do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mltk.tekton.objects import Obj

FOLDER = Path(__file__).parent / "stored"


@dataclass(frozen=True)
class Stored:
    """An object that was given, and what matters of it as it was kept."""

    path: Path
    given: Obj
    kept: Obj


def stored() -> list[Stored]:
    """All of them, by name."""
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        given, kept = yaml.safe_load_all(path.read_text(encoding="utf-8"))
        found.append(Stored(path, given, kept))
    return found


def essence(obj: Obj) -> Obj:
    """The spec, the labels and the annotations of an object without what is empty in them."""
    metadata = {field: obj["metadata"].get(field) for field in ("labels", "annotations")}
    made: Obj = _full({**metadata, "spec": obj["spec"]})
    return made


def write(case: Stored, kept: Obj) -> None:
    """Put down how an object was kept."""
    text = yaml.safe_dump_all([case.given, kept], sort_keys=False)
    case.path.write_text(text, encoding="utf-8")


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: _full(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in (None, "", {}, [])}
    if isinstance(value, list):
        return [_full(each) for each in value]
    return value
