"""What must hold in a Task beyond the types of its fields (``task_validation.go`` of Tekton)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from mltk.tekton import params
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.steprules import (
    RESULT_NAME,
    check_ref,
    check_result_uses,
    check_step_results,
    check_when,
    check_windows,
)
from mltk.tekton.substitution import texts
from mltk.tekton.variablerules import quoted
from mltk.wording import did_you_mean

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_OBJECT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_STEP_RESULT = re.compile(r"\$\(steps\.(.*?)\.results\.(.*?)\)")
_TYPES = ("string", "array", "object")
_ON_ERROR = ("continue", "stopAndFail")
# $(params.NAME...), in any spelling; the rest is [*], [i] or .key.
_PARAM = re.compile(
    r"""\$\((?:inputs\.)?params(?:\.([\w-]+)|\[["']([^"']+)["']\])((?:[.\[][^()]*)?)\)"""
)
_CONTEXT = re.compile(r"\$\(context\.(taskRun|task)\.([\w-]+)\)")
_CONTEXT_NAMES = {"taskRun": ("name", "namespace", "uid"), "task": ("name", "retry-count")}
_RESULT_PATH = re.compile(r"""\$\(results(?:\.([\w-]+)|\[["']([^"']+)["']\])\.path\)""")
_ISOLATED = ("command", "args")
_UNTYPED = ("computeResources", "securityContext", "params", "when", "ref", "results")


def check_task(spec: Obj, path: str, *, alone: bool) -> Iterator[Problem]:
    """Problems of a Task's spec; one that stands `alone` must declare every param it uses."""
    steps = spec.get("steps") or []
    if not steps:
        yield Problem(f"{path}.steps", "a Task needs at least one step")
    yield from check_param_specs(spec.get("params") or [], f"{path}.params")
    for field in ("workspaces", "results"):
        yield from check_names(spec.get(field) or [], f"{path}.{field}")
    for index, result in enumerate(spec.get("results") or []):
        yield from _check_result(result, f"{path}.results[{index}]")
    names = [{"name": step["name"]} for step in steps if step.get("name")]
    yield from check_names(names, f"{path}.steps", DNS_LABEL)
    template = spec.get("stepTemplate") or {}
    for index, step in enumerate(steps):
        yield from _check_step(step, template, f"{path}.steps[{index}]")
        yield from _check_variables(step, spec, f"{path}.steps[{index}]", alone=alone)
    yield from _check_variables(template, spec, f"{path}.stepTemplate", alone=alone)


def check_param_specs(specs: Iterable[Obj], path: str) -> Iterator[Problem]:
    """Problems of declared params: names, types, and defaults of another type."""
    listed = list(specs)
    yield from check_names(listed, path, _PARAM_NAME)
    for index, spec in enumerate(listed):
        here = f"{path}[{index}]"
        kind = params.spec_type(spec)
        if kind not in _TYPES:
            yield Problem(f"{here}.type", f"'{kind}' is not one of {', '.join(_TYPES)}")
            continue
        default = spec.get("default")
        if default is not None and params.type_of(params.read_value(default)) != kind:
            found = params.type_of(params.read_value(default))
            yield Problem(f"{here}.default", f"is of type {found}, the param of type {kind}")
        if kind == "object":
            yield from _check_object(spec, here)


def check_names(
    items: Iterable[Obj], path: str, pattern: re.Pattern[str] | None = None
) -> Iterator[Problem]:
    """Problems of the names in a list: twice, or not of the `pattern`."""
    names = [item["name"] for item in items]
    for index, name in enumerate(names):
        if pattern and not pattern.fullmatch(name):
            yield Problem(f"{path}[{index}].name", f"'{name}' is not a valid name")
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(path, f"the name '{name}' is there {count} times")


def check_on_error(container: Obj, path: str) -> Iterator[Problem]:
    """A problem when `onError` is neither of its two words, nor a param."""
    value = container.get("onError")
    if value and value not in _ON_ERROR and not value.startswith("$(params"):
        yield Problem(f"{path}.onError", f"'{value}' is not one of {', '.join(_ON_ERROR)}")


def checked_fields(container: Obj) -> Obj:
    """The fields of a step in which Tekton looks for params that nobody declares."""
    return {key: found for key, found in container.items() if key not in _UNTYPED}


def unknown_params(tree: Any, known: Iterable[str], path: str) -> Iterator[Problem]:
    """Problems of variables that name a param that is not declared."""
    declared = list(known)
    for name in dict.fromkeys(name for each in texts(tree) for name, _ in _param_uses(each)):
        if name not in declared and name.split(".")[0] not in declared:
            near = did_you_mean(name, declared)
            yield Problem(path, f"$(params.{name}) names no declared param{near}")


def _check_object(spec: Obj, path: str) -> Iterator[Problem]:
    properties = spec.get("properties")
    if properties is None:
        yield Problem(path, "an object needs 'properties'")
        return
    for key in (spec["name"], *properties):
        if not _OBJECT_NAME.fullmatch(key):
            yield Problem(path, f"'{key}' is not a valid name in an object")
    for key, found in properties.items():
        if ((found or {}).get("type") or "string") != "string":
            yield Problem(f"{path}.properties.{key}.type", "keys of an object are strings")


def _check_result(result: Obj, path: str) -> Iterator[Problem]:
    if not RESULT_NAME.fullmatch(result["name"]):
        yield Problem(f"{path}.name", f"'{result['name']}' is not a valid name")
    kind = result.get("type") or "string"
    if kind not in _TYPES:
        yield Problem(f"{path}.type", f"'{kind}' is not one of {', '.join(_TYPES)}")
    elif kind == "object" and result.get("properties") is None:
        yield Problem(path, "an object needs 'properties'")
    yield from _check_value(result, path)


def _check_value(result: Obj, path: str) -> Iterator[Problem]:
    """A result that is one of a step (``validateValue`` in ``result_validation.go``)."""
    value = params.read_value(result.get("value"))
    if not isinstance(value, str):
        what = f'Invalid Type. Wanted string but got: "{params.type_of(value)}"'
        yield Problem(f"{path}.{result['name']}.type", what)
        return
    found = _STEP_RESULT.search(value)
    here = f"{path}.{result['name']}.value"
    if value and not found:
        yield Problem(
            here,
            "Could not extract step name and result name. Expected value to look like"
            f' $(steps.<stepName>.results.<resultName>) but got "{value}"',
        )
    if found and not DNS_LABEL.fullmatch(found[1]):
        yield Problem(here, f"invalid extracted step name {quoted(found[1])}")
    if found and not RESULT_NAME.fullmatch(found[2]):
        yield Problem(here, f"invalid extracted result name {quoted(found[2])}")


def _check_step(step: Obj, template: Obj, path: str) -> Iterator[Problem]:
    yield from check_ref(step, path)
    yield from check_step_results(step.get("results") or [], f"{path}.results", defaulted=False)
    yield from check_when(step.get("when") or [], f"{path}.when")
    yield from check_result_uses(step, path)
    yield from check_on_error(step, path)
    yield from check_names(step.get("env") or [], f"{path}.env")
    if step.get("ref") is None:
        yield from _check_command(step, template, path)


def _check_command(step: Obj, template: Obj, path: str) -> Iterator[Problem]:
    if not (step.get("image") or template.get("image")):
        yield Problem(path, "'image' is missing")
    script, command = step.get("script"), step.get("command") or template.get("command")
    if script and command:
        yield Problem(f"{path}.script", "script and command exclude one another")
    elif not (script or command):
        yield Problem(
            path,
            "a step without 'command' or 'script' is not done yet: the image would have to be "
            "asked for its entrypoint",
        )
    yield from check_windows(script or "", path)


def _check_variables(container: Obj, spec: Obj, path: str, *, alone: bool) -> Iterator[Problem]:
    places = checked_fields(container)
    declared = spec.get("params") or []
    if alone:
        yield from unknown_params(places, [each["name"] for each in declared], path)
    types = {each["name"]: params.spec_type(each) for each in declared}
    for field, found in places.items():
        for each in texts(found):
            yield from _check_whole(each, types, f"{path}.{field}", alone=field in _ISOLATED)
    for each in texts(places):
        yield from _check_context(each, path)
    results = [each["name"] for each in spec.get("results") or []]
    for match in _RESULT_PATH.finditer(str(container.get("script") or "")):
        name = match[1] or match[2]
        if name not in results:
            yield Problem(f"{path}.script", f"$(results.{name}.path) names no declared result")


def _check_whole(text: str, types: dict[str, str], path: str, *, alone: bool) -> Iterator[Problem]:
    """A whole list may be one element of command or args; a whole object has no place in a step."""
    for match in _PARAM.finditer(text):
        name, rest = match[1] or match[2], match[3]
        if rest not in ("", "[*]"):
            continue
        if types.get(name) == "array" and not (alone and match[0] == text):
            yield Problem(path, f"{match[0]} is a list: it may only be all of an element of args")
        if types.get(name) == "object":
            yield Problem(path, f"{match[0]} is an object: name one of its keys")


def _check_context(text: str, path: str) -> Iterator[Problem]:
    for match in _CONTEXT.finditer(text):
        if match[2] not in _CONTEXT_NAMES[match[1]]:
            near = did_you_mean(match[2], _CONTEXT_NAMES[match[1]])
            yield Problem(path, f"{match[0]} is not a variable{near}")


def _param_uses(text: str) -> Iterator[tuple[str, str]]:
    for match in _PARAM.finditer(text):
        yield match[1] or match[2], match[3]
