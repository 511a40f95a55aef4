"""docs/tekton-support.md: each field of the API, what the engine makes of it, what shows it.

``python -m tests.parity.support`` prints the page. The fields are those of `mltk.tekton.schema`,
the rows of what is shown come from the cases that `tests.parity` plays on both engines.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from mltk.tekton.notyet import NOT_YET, WITHOUT_EFFECT
from mltk.tekton.schema import SHAPES, Of
from tests.parity.allowed import ALLOWED
from tests.parity.cases import Case, cases

Field = tuple[str, str]

_INTRODUCTION = """\
# What of Tekton the embedded engine does

Made by `make support-table` from the fields of the API and from `tests/parity`, whose cases run
on the embedded engine and on Tekton itself and must end the same. Do not edit it.

*supported*: does what it does in Tekton. *no effect*: taken, and without a meaning on this machine.
*refused*: an object that sets it is not taken, with these words. The last column names cases of
`tests/parity/cases` that set the field.
"""
_DIFFERS = """
## What may differ

Where the two engines do not say the same, and why; anything else fails `make test-cluster`. The
place is a regular expression of the case and the path in its run and TaskRuns.

| place | why |
|---|---|
"""
_SHOWN = 3  # cases named for one field


def shown_by(played: Iterable[Case]) -> Mapping[Field, list[str]]:
    """Names of the cases that set a field, by shape and field; the smallest case comes first."""
    found: dict[Field, list[str]] = defaultdict(list)
    for case in sorted(played, key=_size):
        for field in dict.fromkeys(_fields_of(case)):
            found[field].append(case.name)
    return found


def not_shown() -> list[str]:
    """Fields that the engine takes and that no case sets, as ``Shape.field``."""
    shown = shown_by(cases())
    return [
        f"{shape}.{field}"
        for shape, fields in SHAPES.items()
        for field in fields
        if (shape, field) not in NOT_YET and (shape, field) not in shown
    ]


def page() -> str:
    """The page, a table for each shape."""
    return "".join(_page())


def _page() -> Iterator[str]:
    shown = shown_by(cases())
    yield _INTRODUCTION
    for shape, fields in SHAPES.items():
        yield f"\n## {shape}\n\n| field | | shown by |\n|---|---|---|\n"
        for field in fields:
            names = shown.get((shape, field), [])
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield f"| {field} | {_state((shape, field))} | {', '.join(names[:_SHOWN])}{more} |\n"
    yield _DIFFERS
    for row in ALLOWED:
        place = row.place.replace("|", "\\|")
        yield f"| `{place}` | {row.reason} |\n"


def _state(field: Field) -> str:
    if why := NOT_YET.get(field):
        return f"refused: {why}"
    if why := WITHOUT_EFFECT.get(field):
        return f"no effect: {why}"
    return "supported"


def _size(case: Case) -> tuple[int, str]:
    return len(str((case.given, case.run))), case.name


def _fields_of(case: Case) -> Iterator[Field]:
    for obj in (*case.given, case.run, {**case.run, **(case.act.patch if case.act else {})}):
        if obj["kind"] in SHAPES:
            yield from _set_in(obj["kind"], obj["spec"])


def _set_in(shape: str, value: Any) -> Iterator[Field]:
    """Fields that an object of a shape sets, and those of the objects in it."""
    fields = SHAPES[shape]
    for name, found in value.items() if isinstance(value, Mapping) else ():
        if name not in fields:
            continue
        yield shape, name
        kind = fields[name]
        if isinstance(kind, Of):
            for each in found if kind.many else (found,):
                yield from _set_in(kind.shape, each)


def main(output: TextIO = sys.stdout) -> None:
    """Print the page."""
    output.write(page())


if __name__ == "__main__":
    main()
