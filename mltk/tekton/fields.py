"""An object against the table of its fields: unknown, of a wrong type, not done yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mltk.tekton.config import TEKTONS, FeatureFlags
from mltk.tekton.durations import NO_TIMEOUT, parse_duration
from mltk.tekton.gates import refusal
from mltk.tekton.notyet import NOT_YET, WITHOUT_EFFECT
from mltk.tekton.quantities import parse_quantity
from mltk.tekton.schema import REQUIRED, Leaf, Of
from mltk.tekton.triggerschema import ALL_SHAPES
from mltk.wording import did_you_mean, shown


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: a path such as ``spec.tasks[0].matrix``.

    `what` and `details` are Tekton's words where Tekton has them; `advice` is what may help
    besides.
    """

    path: str
    what: str
    warning: bool = False
    details: str = ""
    advice: str = ""

    @property
    def text(self) -> str:
        """All that there is to say of it, without its place."""
        details = f" ({' '.join(self.details.split())})" if self.details else ""
        return f"{self.what}{details}{self.advice}"


def as_tekton_writes(problems: Iterable[Problem]) -> str:
    """The message of several problems, as knative's ``FieldError`` puts them together.

    Those that say the same are one, with all their places.
    """
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in problems:
        here = (path.removeprefix(".") for path in each.path.split(", "))
        places[each.what, each.details].update(here)
    return "\n".join(
        f"{what}: {', '.join(sorted(paths))}" + (f"\n{details}" if details else "")
        for (what, details), paths in sorted(places.items())
    )


def repeated(names: Iterable[str]) -> Mapping[int, str]:
    """Names that are there before, whatever their case, by their place in the list."""
    seen: set[str] = set()
    found = {}
    for index, name in enumerate(names):
        if name.lower() in seen:
            found[index] = name
        seen.add(name.lower())
    return found


def check_fields(
    shape: str, value: Any, path: str, flags: FeatureFlags = TEKTONS.flags
) -> Iterator[Problem]:
    """Problems of an object that should have the fields of `shape`, if `flags` allow them."""
    if not isinstance(value, dict):
        yield Problem(path, f"must hold keys and values, but is {shown(value)}")
        return
    fields = ALL_SHAPES[shape]
    for name in REQUIRED.get(shape, ()):
        if name not in value or (value[name] in ("", None) and name != "value"):
            yield Problem(path, f"'{name}' is missing")
    for name, found in value.items():
        inner = f"{path}.{name}"
        if name not in fields:
            near = did_you_mean(str(name), fields)
            yield Problem(inner, f"unknown field '{name}'{near} (known: {', '.join(fields)})")
        elif found is None:
            continue
        elif why := NOT_YET.get((shape, name)):
            yield Problem(inner, f"'{name}': {why}")
        elif why := refusal(shape, name, value, flags):
            yield Problem(inner, why)
        else:
            if why := WITHOUT_EFFECT.get((shape, name)):
                yield Problem(inner, f"'{name}' has no effect here: {why}", warning=True)
            yield from _check(fields[name], found, inner, flags)


def _check(kind: Leaf | Of, value: Any, path: str, flags: FeatureFlags) -> Iterator[Problem]:
    if not isinstance(kind, Of):
        if why := _misfit(kind, value):
            yield Problem(path, f"{why}, but is {shown(value)}")
    elif not kind.many:
        yield from check_fields(kind.shape, value, path, flags)
    elif not isinstance(value, list):
        yield Problem(path, f"must be a list, but is {shown(value)}")
    else:
        for index, item in enumerate(value):
            yield from check_fields(kind.shape, item, f"{path}[{index}]", flags)


def _misfit(kind: Leaf, value: Any) -> str:
    """What a value must be, empty when it is."""
    fits = {
        "text": isinstance(value, str),
        "texts": isinstance(value, list) and all(isinstance(item, str) for item in value),
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "duration": isinstance(value, str) and _is_duration(value),
        "map": isinstance(value, dict) and all(isinstance(v, str) for v in value.values()),
        "properties": isinstance(value, dict) and all(map(_is_property, value.items())),
        "quantity": _is_quantity(value),
        "quantities": isinstance(value, dict) and all(map(_is_quantity, value.values())),
        "objects": isinstance(value, list) and all(isinstance(item, dict) for item in value),
        "value": True,
        "any": True,
    }
    return "" if fits[kind] else _MUST_BE[kind]


_MUST_BE: dict[Leaf, str] = {
    "text": "must be text",
    "texts": "must be a list of texts",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "duration": "must be a duration such as 1h30m, zero or more",
    "map": "must hold keys and texts",
    "properties": "must hold keys, each with a type",
    "quantity": "must be an amount such as 500m, 2 or 1Gi",
    "quantities": "must hold amounts such as 500m, 2 or 1Gi",
    "objects": "must be a list of objects",
}


def _is_property(entry: tuple[Any, Any]) -> bool:
    return isinstance(entry[0], str) and (entry[1] is None or isinstance(entry[1], dict))


def _is_quantity(value: Any) -> bool:
    try:
        parse_quantity(str(value))
    except ValueError:
        return False
    return not isinstance(value, bool)


def _is_duration(text: str) -> bool:
    try:
        return parse_duration(text) >= NO_TIMEOUT
    except ValueError:
        return False
