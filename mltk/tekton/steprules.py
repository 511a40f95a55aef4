"""What must hold in a step (``container_validation.go`` of Tekton), in Tekton's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.results import with_type
from mltk.tekton.stepresults import USE
from mltk.tekton.variablerules import quoted, unknown

RESULT_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_QUALIFIED = re.compile(r"(?:[^/]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_OPERATORS = ("in", "notin")
# What a step with a `ref` may not set, and how Tekton calls it.
_NOT_WITH_REF = {
    "image": "image",
    "command": "command",
    "args": "args",
    "script": "script",
    "workingDir": "working dir",
    "env": "env",
    "volumeMounts": "volumeMounts",
    "results": "results",
}
_RESULT_NAME_RULE = (
    "Name must consist of alphanumeric characters, '-', '_', and must start and end with an"
    " alphanumeric character (e.g. 'MyName',  or 'my-name',  or 'my_name', regex used for"
    " validation is '^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$')"
)


def check_ref(step: Obj, path: str) -> Iterator[Problem]:
    """Problems of a step that runs a StepAction, or that has params though it runs none."""
    ref = step.get("ref")
    if ref is None:
        if step.get("params"):
            yield Problem(f"{path}.params", "params cannot be used without Ref")
        return
    if not ref.get("name"):
        yield Problem(f"{path}.name", "missing field(s)")
    elif not _QUALIFIED.fullmatch(ref["name"]):
        yield Problem(f"{path}.name", f"invalid value: {ref['name']} is no name of an object")
    for field, shown in _NOT_WITH_REF.items():
        if step.get(field):
            yield Problem(f"{path}.{field}", f"{shown} cannot be used with Ref")


def check_step_results(results: Iterable[Obj], path: str, *, defaulted: bool) -> Iterator[Problem]:
    """Problems of the results of a step; only those of a StepAction are given default types."""
    for index, result in enumerate(results):
        yield from _check_result(with_types(result) if defaulted else result, f"{path}[{index}]")


def check_when(expressions: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Problems of the guards of a step."""
    for index, each in enumerate(expressions):
        here = f"{path}[{index}]"
        operator = each.get("operator") or ""
        if not any(each.get(field) for field in ("input", "operator", "values")):
            yield Problem(here, "missing field(s)")
        elif operator not in _OPERATORS:
            allowed = ",".join(_OPERATORS)
            what = f"operator {quoted(operator)} is not recognized. valid operators: {allowed}"
            yield Problem(here, f"invalid value: {what}")
        elif not each.get("values"):
            yield Problem(here, "invalid value: expecting non-empty values field")


def check_result_uses(step: Obj, path: str) -> Iterator[Problem]:
    """Results of steps stand where they may, and paths of one's own results are declared."""
    for place, text in _without_results(step):
        if USE.search(text):
            what = (
                "stepResult substitutions are only allowed in env, command and args. Found usage in"
            )
            yield Problem(f"{path}.{place}", what)
    names = [each["name"] for each in step.get("results") or ()]
    if step.get("results") and (why := unknown(step.get("script") or "", "step.results", names)):
        yield Problem(f"{path}.script", why)


def check_windows(script: str, path: str) -> Iterator[Problem]:
    """A script for Windows needs alpha features of Tekton."""
    if script.strip().startswith("#!win"):
        yield Problem(f"{path}.script", "scripts for Windows are not done yet")


def _without_results(step: Obj) -> Iterator[tuple[str, str]]:
    """The texts in which a result of a step may not stand, with their place."""
    for field in ("name", "image", "script", "imagePullPolicy", "workingDir"):
        yield field, str(step.get(field) or "")
    for each in step.get("envFrom") or ():
        yield "envFrom.prefix", str(each.get("prefix") or "")
        for field in ("configMapRef", "secretRef"):
            yield f"envFrom.{field}", _named(each.get(field))
    for each in step.get("volumeMounts") or ():
        for field in ("name", "mountPath", "subPath"):
            yield f"volumeMounts.{field}", str(each.get(field) or "")


def _named(ref: Mapping[str, object] | None) -> str:
    return str((ref or {}).get("name") or "")


def with_types(result: Obj) -> Obj:
    """A result with the types that Tekton's webhook writes into it and its keys."""
    properties = result.get("properties")
    if properties is None:
        return with_type(result)
    typed = {key: {"type": "string", **(each or {})} for key, each in properties.items()}
    return {**with_type(result), "properties": typed}


def _check_result(result: Obj, path: str) -> Iterator[Problem]:
    name, kind = result["name"], result.get("type") or ""
    if not RESULT_NAME.fullmatch(name):
        yield Problem(f"{path}.name", f"invalid key name {quoted(name)}\n{_RESULT_NAME_RULE}")
    elif kind == "object":
        yield from check_properties(result, path, "the")
    elif kind not in ("", "string", "array"):
        yield Problem(f"{path}.type", f"invalid value: {kind}\ninvalid type {kind}")


def check_properties(result: Obj, path: str, article: str) -> Iterator[Problem]:
    """Problems of the keys of an object that a result is; Tekton writes two `article`s."""
    here = f"{path}.{result['name']}.properties"
    if result.get("properties") is None:
        yield Problem(here, "missing field(s)")
        return
    keys = [k for k, each in result["properties"].items() if (each or {}).get("type") != "string"]
    if keys:
        listed = " ".join(keys)
        what = f"{article} value type specified for these keys [{listed}] is invalid"
        yield Problem(here, f"{what}, the type must be string")
