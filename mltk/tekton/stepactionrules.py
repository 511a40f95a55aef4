"""What must hold in a StepAction (``stepaction_validation.go`` of Tekton), in Tekton's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mltk.tekton.config import Config
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.paramrules import by_type, check_objects, check_param_specs
from mltk.tekton.resultrules import check_step_results, with_types
from mltk.tekton.steprules import check_lists, check_script, check_unknown, check_whole_objects
from mltk.tekton.variablerules import expressions, unknown

_LOOKED_AT = ("image", "script", "command", "args", "env")


def check_step_action(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    """Problems of a StepAction's spec."""
    declared = spec.get("params") or []
    script = spec.get("script") or ""
    if not spec.get("image"):
        yield Problem(f"{path}.Image", "missing field(s)")
    if script and spec.get("command"):
        yield Problem(f"{path}.script", "script cannot be used with command")
    yield from check_script(script, path, config.flags)
    if expressions(script, "params"):
        advice = " Hand it over in env or args."
        what = "param substitution in scripts is not allowed."
        yield Problem(f"{path}.script", what, advice=advice)
    yield from check_param_specs(declared, f"{path}.params")
    yield from check_objects(declared, path)
    yield from _check_uses(spec, declared, path)
    results = [with_types(each) for each in spec.get("results") or ()]
    yield from check_step_results(results, f"{path}.results")
    names = [each["name"] for each in results]
    for prefix in ("step.results", "results"):
        if why := unknown(script, prefix, names):
            yield Problem(f"{path}.script", why)
    yield from _check_mounts(spec.get("volumeMounts") or (), declared, f"{path}.volumeMounts")


def _check_uses(spec: Obj, declared: Sequence[Obj], path: str) -> Iterator[Problem]:
    """Params are declared, and used as what they are."""
    container = {field: spec[field] for field in _LOOKED_AT if spec.get(field)}
    types = by_type(declared)
    yield from check_unknown(container, path, "params", [each["name"] for each in declared])
    yield from check_lists(container, path, types["array"])
    for each in declared:
        if each["name"] in types["object"]:
            keys = list(each.get("properties") or ())
            yield from check_unknown(container, path, f"params.{each['name']}", keys)
    yield from check_whole_objects(container, path, types["object"])


def _check_mounts(mounts: Sequence[Obj], declared: Sequence[Obj], path: str) -> Iterator[Problem]:
    names = [each["name"] for each in declared]
    for index, mount in enumerate(mounts):
        name = mount.get("name") or ""
        if expressions(name, "params") != [name]:
            details = "expect the Name to be a single param reference"
            yield Problem(f"{path}[{index}].name", f"invalid value: {name}", details=details)
            return
        if why := unknown(name, "params", names):
            yield Problem(f"{path}[{index}]", why)
