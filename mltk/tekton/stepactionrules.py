"""What must hold in a StepAction (``stepaction_validation.go`` of Tekton), in Tekton's words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from mltk.tekton import params
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.steprules import check_step_results, check_windows
from mltk.tekton.taskrules import check_names, check_param_specs
from mltk.tekton.variablerules import (
    expressions,
    not_isolated,
    prohibited,
    prohibited_whole,
    unknown,
)

# What is wrong with a text, given the prefix of variables and names of them.
_Rule = Callable[[str, str, Collection[str]], str]


def check_step_action(spec: Obj, path: str) -> Iterator[Problem]:
    """Problems of a StepAction's spec."""
    declared = spec.get("params") or []
    script = spec.get("script") or ""
    if not spec.get("image"):
        yield Problem(f"{path}.Image", "missing field(s)")
    if script and spec.get("command"):
        yield Problem(f"{path}.script", "script cannot be used with command")
    yield from check_windows(script, path)
    if expressions(script, "params"):
        yield Problem(f"{path}.script", "param substitution in scripts is not allowed.")
    yield from check_param_specs(declared, f"{path}.params")
    yield from check_names(spec.get("env") or [], f"{path}.env")
    yield from _check_params(spec, declared, path)
    results = spec.get("results") or []
    yield from check_step_results(results, f"{path}.results", defaulted=True)
    names = [each["name"] for each in results]
    for prefix in ("step.results", "results"):
        if why := unknown(script, prefix, names):
            yield Problem(f"{path}.script", why)
    yield from _check_mounts(spec.get("volumeMounts") or [], declared, f"{path}.volumeMounts")


def _check_params(spec: Obj, declared: list[Obj], path: str) -> Iterator[Problem]:
    by_type: dict[str, list[str]] = {"string": [], "array": [], "object": []}
    for each in declared:
        by_type.setdefault(params.spec_type(each), []).append(each["name"])
    names = [each["name"] for each in declared]
    yield from _check_texts(spec, path, unknown, unknown, "params", names)
    yield from _check_texts(spec, path, prohibited, not_isolated, "params", by_type["array"])
    for each in declared:
        if params.spec_type(each) == "object":
            keys = list(each.get("properties") or ())
            yield from _check_texts(spec, path, unknown, unknown, f"params.{each['name']}", keys)
    whole = prohibited_whole
    yield from _check_texts(spec, path, whole, whole, "params", by_type["object"])


def _check_texts(
    spec: Obj, path: str, rule: _Rule, of_list: _Rule, prefix: str, names: Collection[str]
) -> Iterator[Problem]:
    """Look at every text that takes params; `of_list` is the rule of command and args."""
    found = {field: rule(spec.get(field) or "", prefix, names) for field in ("image", "script")}
    for field in ("command", "args"):
        for index, text in enumerate(spec.get(field) or ()):
            found[f"{field}[{index}]"] = of_list(text, prefix, names)
    for each in spec.get("env") or ():
        found[f"env[{each['name']}]"] = rule(each.get("value") or "", prefix, names)
    yield from (Problem(f"{path}.{place}", why) for place, why in found.items() if why)


def _check_mounts(mounts: list[Obj], declared: list[Obj], path: str) -> Iterator[Problem]:
    names = [each["name"] for each in declared]
    for index, mount in enumerate(mounts):
        name = mount.get("name") or ""
        if expressions(name, "params") != [name]:
            what = f"invalid value: {name}\nexpect the Name to be a single param reference"
            yield Problem(f"{path}[{index}].name", what)
            return
        if why := unknown(name, "params", names):
            yield Problem(f"{path}[{index}]", why)
