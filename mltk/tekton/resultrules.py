"""What must hold in declared results (``result_validation.go`` of Tekton), in Tekton's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mltk.tekton import params
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.results import OF_A_STEP, with_type
from mltk.tekton.variablerules import quoted
from mltk.tekton.verdicts import listed

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_CHARACTERS = (
    "must consist of alphanumeric characters, '-', '_', and must start and end with an"
    " alphanumeric character (e.g. 'MyName',  or 'my-name',  or 'my_name', regex used for"
    " validation is '^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$')"
)
_STEP_RULE = (
    "stepName in $(steps.<stepName>.results.<resultName>) must be a valid DNS Label, For more info"
    " refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names"
)
_FORM = "$(steps.<stepName>.results.<resultName>)"


def check_results(results: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Problems of the results of a Task."""
    for index, declared in enumerate(results):
        result, here = with_types(declared), f"{path}[{index}]"
        if not _NAME.fullmatch(result["name"]):
            yield _no_name(result, here)
            continue
        if result["type"] == "object":
            yield from _check_keys(result, here, "The")
        elif result["type"] not in ("string", "array"):
            what = f"invalid value: {result['type']}"
            yield Problem(f"{here}.type", what, details="type must be string")
        yield from _check_value(result, f"{here}.{result['name']}")


def check_step_results(results: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Problems of the results of a step, to which nobody gives default types."""
    for index, result in enumerate(results):
        here, kind = f"{path}[{index}]", result.get("type") or ""
        if not _NAME.fullmatch(result["name"]):
            yield _no_name(result, here)
        elif kind == "object":
            yield from _check_keys(result, here, "the")
        elif kind not in ("", "string", "array"):
            details = f"invalid type {kind}"
            yield Problem(f"{here}.type", f"invalid value: {kind}", details=details)


def with_types(result: Obj) -> Obj:
    """A result with the types that Tekton's webhook writes into it and its keys."""
    properties = result.get("properties")
    if properties is None:
        return with_type(result)
    typed = {key: {"type": "string", **(each or {})} for key, each in properties.items()}
    return {**with_type(result), "properties": typed}


def _no_name(result: Obj, path: str) -> Problem:
    what = f"invalid key name {quoted(result['name'])}"
    return Problem(f"{path}.name", what, details=f"Name {_CHARACTERS}")


def _check_keys(result: Obj, path: str, article: str) -> Iterator[Problem]:
    here = f"{path}.{result['name']}.properties"
    if result.get("properties") is None:
        yield Problem(here, "missing field(s)")
        return
    wrong = [k for k, each in result["properties"].items() if (each or {}).get("type") != "string"]
    if wrong:
        what = f"{article} value type specified for these keys {listed(wrong)} is invalid"
        yield Problem(here, f"{what}, the type must be string")


def _check_value(result: Obj, path: str) -> Iterator[Problem]:
    """A result that is one of a step (``validateValue``)."""
    value = params.read_value(result.get("value"))
    if not isinstance(value, str):
        what = f'Invalid Type. Wanted string but got: "{params.type_of(value)}"'
        yield Problem(f"{path}.type", what)
    elif value and not (found := OF_A_STEP.search(value)):
        what = "Could not extract step name and result name. Expected value to look like"
        yield Problem(f"{path}.value", f'{what} {_FORM} but got "{value}"')
    elif value and found:
        if not _DNS_LABEL.fullmatch(found[1]):
            what = f"invalid extracted step name {quoted(found[1])}"
            yield Problem(f"{path}.value", what, details=_STEP_RULE)
        if not _NAME.fullmatch(found[2]):
            what = f"invalid extracted result name {quoted(found[2])}"
            details = f"resultName in {_FORM} {_CHARACTERS}"
            yield Problem(f"{path}.value", what, details=details)
