"""The values of a trigger's params: what its bindings say, filled from an event.

Rules: https://tekton.dev/docs/triggers/triggerbindings/ and, where that page is silent, Tekton's
``pkg/template``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers import jsonpath
from mltk.tekton.triggers.errors import TriggerError
from mltk.tekton.triggers.expressions import expressions
from mltk.tekton.triggers.references import binding_kind

Object = Mapping[str, Any]
Lookup = Callable[[str, str], Object | None]
"""From a kind and a name to the object, or None where there is none."""

_RELAXED = re.compile(r"\{\.?([^{}]+)\}|\.?([^{}]+)")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER = "header."


@dataclass(frozen=True)
class Event:
    """What a trigger gets: a request after its interceptors."""

    body: bytes = b""
    header: Mapping[str, Sequence[str]] = field(default_factory=dict)
    extensions: Mapping[str, Any] | None = None
    event_id: str = ""


def binding_params(bindings: Sequence[Object], lookup: Lookup) -> list[tuple[str, str]]:
    """Names and unfilled values of `bindings`, in order; TriggerError for a name that is twice."""
    params = [param for binding in bindings for param in _params(binding, lookup)]
    seen: set[str] = set()
    for name, _ in params:
        if name in seen:
            raise TriggerError(f"failed to resolve bindings: duplicate param name: {name}")
        seen.add(name)
    return params


def values(
    params: Sequence[tuple[str, str]], declared: Sequence[Object], event: Event
) -> dict[str, str]:
    """What `params` come to in `event`, with the defaults of the template's `declared` params.

    A default stands also for an expression of its param that finds nothing. Raises TriggerError
    where an expression finds nothing otherwise, and for a body that is not JSON.
    """
    document = _document(event)
    filled = {each["name"]: each["default"] for each in declared if each.get("default") is not None}
    for name, value in params:
        filled[name] = _filled(name, value, document, filled.get(name))
    return filled


def canonical_header(name: str) -> str:
    """`name` as Go's net/http keeps a header; a name that is none stays as it is."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part.capitalize() for part in name.split("-"))


def _params(binding: Object, lookup: Lookup) -> list[tuple[str, str]]:
    if binding.get("name") and binding.get("value") is not None:
        return [(binding["name"], binding["value"])]
    ref = binding.get("ref")
    if not ref:
        raise TriggerError("failed to resolve bindings: invalid binding: neither value nor ref")
    kind = binding_kind(binding)
    if (found := lookup(kind, ref)) is None:
        raise TriggerError(
            f"failed to resolve bindings: error getting {kind} {binding.get('name', '')}: "
            f'{kind.lower()}.triggers.tekton.dev "{ref}" not found'
        )
    listed = found.get("spec", {}).get("params") or []
    return [(param["name"], param.get("value", "")) for param in listed]


def _document(event: Event) -> gojson.Struct:
    try:
        body = gojson.decode(event.body) if event.body else None
    except ValueError as error:
        raise TriggerError(
            "failed to ApplyEventValuesToParams: failed to marshal event: "
            f"failed to unmarshal request body: {error}"
        ) from None
    header = gojson.StringMap({name: ",".join(lines) for name, lines in event.header.items()})
    extensions = gojson.NilMap() if event.extensions is None else dict(event.extensions)
    context = gojson.Struct("template.TriggerContext", {"eventID": ("EventID", event.event_id)})
    return gojson.Struct(
        "template.event",
        {
            "header": ("Header", header),
            "body": ("Body", body),
            "extensions": ("Extensions", extensions),
            "context": ("Context", context),
        },
    )


def _filled(name: str, value: str, document: Any, default: str | None) -> str:
    filled = value
    for raw in list(expressions(value)):
        try:
            found = evaluate(raw, document)
        except TriggerError as error:
            if default is None:
                raise TriggerError(
                    "failed to ApplyEventValuesToParams: failed to replace JSONPath value for "
                    f"param {name}: {value}: {error}"
                ) from None
            found = default
        filled = filled.replace(f"$({raw})", found)
    return filled


def evaluate(expression: str, document: Any) -> str:
    """What a relaxed JSONPath (``body.a``, ``.body.a``, ``{.body.a}``) finds, ready for JSON."""
    if expression.startswith(_HEADER):
        expression = _HEADER + canonical_header(expression.removeprefix(_HEADER))
    if not expression:
        return ""
    if (path := _RELAXED.fullmatch(expression)) is None:
        raise TriggerError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or "
            "'{name1.name2}' or '{.name1.name2}'"
        )
    try:
        return "".join(map(_text, jsonpath.find(f".{path[1] or path[2]}", document)))
    except RecursionError:
        raise TriggerError("exceeded max depth") from None


def _text(found: list[Any]) -> str:
    if len(found) != 1:
        return gojson.encode(found)
    text = gojson.encode(found[0])
    return text[1:-1] if isinstance(found[0], str) else text
