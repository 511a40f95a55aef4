"""What must hold in a step (``container_validation.go`` of Tekton), in Tekton's words."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mltk.tekton import artifacts
from mltk.tekton.config import FeatureFlags
from mltk.tekton.fields import Problem
from mltk.tekton.objects import Obj
from mltk.tekton.refs import check_ref
from mltk.tekton.resultrules import check_step_results
from mltk.tekton.stepresults import USE
from mltk.tekton.variablerules import not_isolated, prohibited, prohibited_whole, quoted, unknown
from mltk.tekton.whenrules import check_when
from mltk.wording import did_you_mean

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
ON_ERROR = ("continue", "stopAndFail")
_NAME_RULE = (
    "Task step name must be a valid DNS Label, For more info refer to https://kubernetes.io/docs/"
    "concepts/overview/working-with-objects/names/#names"
)
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
_ALONE = ("command", "args")  # a whole list may stand there, with nothing beside it


def check_step(step: Obj, path: str, flags: FeatureFlags) -> Iterator[Problem]:
    """Problems of a step, its stepTemplate already in it (``Step.Validate``)."""
    if not flags.artifacts and any(artifacts.used(text) for text in _speaking(step)):
        yield Problem(path, artifacts.OFF)
        return
    yield from _check_ref(step, path)
    if step.get("ref") is None:
        yield from _check_command(step, path)
    name = step.get("name")
    if name and not DNS_LABEL.fullmatch(name):
        yield Problem(f"{path}.name", f"invalid value {quoted(name)}", details=_NAME_RULE)
    yield from _check_mounts(step.get("volumeMounts") or (), f"{path}.volumeMounts")
    yield from check_on_error(step, path)
    yield from check_script(step.get("script") or "", path, flags)
    yield from _check_result_uses(step, path)
    yield from check_step_results(step.get("results") or (), f"{path}.results")
    yield from check_when(step.get("when") or (), f"{path}.when")


def check_on_error(step: Obj, path: str) -> Iterator[Problem]:
    """`onError` is one of its two words, or a param that may become one."""
    value = step.get("onError")
    if value and value not in ON_ERROR and not value.startswith("$(params"):
        details = 'Task step onError must be either "continue" or "stopAndFail"'
        yield Problem(f"{path}.onError", f'invalid value: "{value}"', details=details)


def check_script(script: str, path: str, flags: FeatureFlags) -> Iterator[Problem]:
    """A script for Windows needs alpha features."""
    if script.strip().startswith("#!win"):
        why = flags.lacks("windows script support", "alpha")
        yield Problem(f"{path}.script", why or "scripts for Windows are not done yet")


def check_unknown(step: Obj, path: str, prefix: str, names: Collection[str]) -> Iterator[Problem]:
    """Variables of a prefix that are none of `names` (``validateStepVariables``)."""
    texts = [*step_texts(step), ("onError", str(step.get("onError") or ""))]
    for place, text in texts:
        if why := unknown(text, prefix, names):
            yield Problem(f"{path}.{place}", why, advice=_meant(text, prefix, names))


def check_lists(step: Obj, path: str, names: Collection[str]) -> Iterator[Problem]:
    """A whole list is all of an element of command or args (``validateStepArrayUsage``)."""
    for place, text in step_texts(step):
        rule = not_isolated if place.split("[")[0] in _ALONE else prohibited
        if why := rule(text, "params", names):
            yield Problem(f"{path}.{place}", why)


def check_whole_objects(step: Obj, path: str, names: Collection[str]) -> Iterator[Problem]:
    """A whole object has no place in a step (``validateStepObjectUsageAsWhole``)."""
    for place, text in step_texts(step):
        if why := prohibited_whole(text, "params", names):
            yield Problem(f"{path}.{place}", why, advice="; name one of its keys")


def step_texts(step: Obj) -> Iterator[tuple[str, str]]:
    """The texts of a step, or of a StepAction, with a variable where Tekton looks for one."""
    return ((place, text) for place, text in _all_texts(step) if "$(" in text)


def _all_texts(step: Obj) -> Iterator[tuple[str, str]]:
    for field in ("name", "image", "workingDir", "script"):
        yield field, str(step.get(field) or "")
    for field in _ALONE:
        for index, text in enumerate(step.get(field) or ()):
            yield f"{field}[{index}]", str(text)
    for each in step.get("env") or ():
        yield f"env[{each['name']}]", str(each.get("value") or "")
    for index, mount in enumerate(step.get("volumeMounts") or ()):
        for field in ("name", "mountPath", "subPath"):
            yield f"volumeMounts[{index}].{field}", str(mount.get(field) or "")


def _meant(text: str, prefix: str, names: Collection[str]) -> str:
    """A name that is near to one that is not there."""
    found = re.findall(rf"\$\({re.escape(prefix)}\.([\w-]+)", text)
    wrong = next((name for name in found if name not in names), "")
    return did_you_mean(wrong, names) if wrong else ""


def _check_ref(step: Obj, path: str) -> Iterator[Problem]:
    ref = step.get("ref")
    if ref is None:
        if step.get("params"):
            yield Problem(f"{path}.params", "params cannot be used without Ref")
        return
    yield from check_ref(ref, path)
    for field, shown in _NOT_WITH_REF.items():
        if step.get(field):
            yield Problem(f"{path}.{field}", f"{shown} cannot be used with Ref")


def _check_command(step: Obj, path: str) -> Iterator[Problem]:
    if not step.get("image"):
        yield Problem(f"{path}.Image", "missing field(s)")
    if step.get("script") and step.get("command"):
        yield Problem(f"{path}.script", "script cannot be used with command")


def _check_mounts(mounts: Iterable[Obj], path: str) -> Iterator[Problem]:
    for index, mount in enumerate(mounts):
        name, place = mount.get("name") or "", mount.get("mountPath") or ""
        clean = posixpath.normpath(place)
        if clean.startswith("/tekton/") and not clean.startswith("/tekton/home"):
            what = "volumeMount cannot be mounted under /tekton/ (volumeMount"
            shown = f"{what} {quoted(name)} mounted at {quoted(place)})"
            yield Problem(f"{path}[{index}].mountPath", shown)
        if name.startswith("tekton-internal-"):
            shown = f'volumeMount name {quoted(name)} cannot start with "tekton-internal-"'
            yield Problem(f"{path}[{index}].name", shown)


def _check_result_uses(step: Obj, path: str) -> Iterator[Problem]:
    """Results of steps stand where they may, and paths of one's own results are declared.

    Artifacts may stand in a script besides.
    """
    for place, text in _without_results(step):
        if "$(" not in text:
            continue
        if USE.search(text):
            what = "stepResult substitutions are only allowed in env, command and args."
            yield Problem(f"{path}.{place}", f"{what} Found usage in")
        if place != "script" and artifacts.used_in_step(text):
            what = "stepArtifact substitutions are only allowed in env, command, args and script."
            yield Problem(f"{path}.{place}", f"{what} Found usage in")
    names = [each["name"] for each in step.get("results") or ()]
    if step.get("results") and (why := unknown(step.get("script") or "", "step.results", names)):
        yield Problem(f"{path}.script", why)


def _speaking(step: Obj) -> Iterator[str]:
    """The texts of a step in which artifacts have a meaning."""
    yield str(step.get("script") or "")
    for field in _ALONE:
        yield from step.get(field) or ()
    yield from (str(each.get("value") or "") for each in step.get("env") or ())


def _without_results(step: Obj) -> Iterator[tuple[str, str]]:
    """The texts in which a result of a step may not stand, with their place."""
    for field in ("name", "image", "script", "imagePullPolicy", "workingDir"):
        yield field, str(step.get(field) or "")
    for each in step.get("envFrom") or ():
        yield "envFrom.prefix", str(each.get("prefix") or "")
        for field in ("configMapRef", "secretRef"):
            yield f"envFrom.{field}", _named(each.get(field))
    for field, names in (
        ("volumeMounts", ("name", "mountPath", "subPath")),
        ("volumeDevices", ("name", "devicePath")),
    ):
        for each in step.get(field) or ():
            for name in names:
                yield f"{field}.{name}", str(each.get(name) or "")


def _named(ref: Mapping[str, Any] | None) -> str:
    return str((ref or {}).get("name") or "")
