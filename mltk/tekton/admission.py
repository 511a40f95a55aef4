"""What is refused before anything runs, by name and with its path.

Tekton's webhook refuses unknown fields and invalid specs; beyond that, this engine refuses what it
does not do yet (`notyet`), so that nothing in a manifest is silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from mltk.errors import AdmissionError
from mltk.tekton.config import NAMESPACE, TEKTONS, Config, Defaults
from mltk.tekton.configrules import check_config
from mltk.tekton.customrunrules import check_custom_run
from mltk.tekton.defaults import with_defaults
from mltk.tekton.fields import Problem, check_fields
from mltk.tekton.kinds import KINDS
from mltk.tekton.limitrangerules import check_limit_range
from mltk.tekton.names import is_label_value
from mltk.tekton.objects import Obj, address, namespace_of
from mltk.tekton.pipelinerules import check_pipeline
from mltk.tekton.runrules import check_pipeline_run
from mltk.tekton.stepactionrules import check_step_action
from mltk.tekton.taskrules import check_runnable, check_task
from mltk.tekton.taskrunrules import check_task_run
from mltk.tekton.triggerrules import (
    check_cluster_trigger_binding,
    check_event_listener,
    check_interceptor,
    check_listener_metadata,
    check_trigger,
    check_trigger_binding,
    check_trigger_template,
)
from mltk.tekton.updaterules import check_update
from mltk.wording import did_you_mean

_SHOWN = 10  # problems named in one error
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_GROUPS = ("tekton.dev/", "triggers.tekton.dev/")
_LONGEST_NAME = 63  # a run's name becomes a label of what it makes


def _check_task(spec: Obj, path: str, config: Config) -> Iterator[Problem]:
    yield from check_task(spec, path, alone=True, flags=config.flags)
    yield from check_runnable(spec, path)


_RULES: dict[str, Callable[[Obj, str, Config], Iterator[Problem]]] = {
    "Task": _check_task,
    "Pipeline": lambda spec, path, config: check_pipeline(spec, path, config, alone=True),
    "PipelineRun": check_pipeline_run,
    "TaskRun": check_task_run,
    "StepAction": check_step_action,
    "CustomRun": check_custom_run,
    "EventListener": check_event_listener,
    "Trigger": check_trigger,
    "TriggerBinding": check_trigger_binding,
    "ClusterTriggerBinding": check_cluster_trigger_binding,
    "TriggerTemplate": check_trigger_template,
    "Interceptor": check_interceptor,
    "ClusterInterceptor": check_interceptor,
}


def admit(obj: Obj, config: Config = TEKTONS) -> list[str]:
    """Warnings about an object that may be stored; AdmissionError for one that may not.

    `config` says which features may be used.
    """
    # As in Tekton, what two rules say alike of one place is said once.
    problems = list(dict.fromkeys(_problems(obj, config)))
    errors = [problem for problem in problems if not problem.warning]
    if errors:
        raise _refusal(obj, errors)
    return [f"{address(obj)}: {problem.path}: {problem.text}" for problem in problems]


def admit_update(old: Obj, new: Obj, defaults: Defaults | None = None) -> None:
    """Raise AdmissionError for a change of a run that its user may not make any more.

    `defaults` are those that `new` has been given. An old one that the engine has made itself has
    been given none, which is no change of its user's.
    """
    if defaults is not None:
        old = with_defaults(old, defaults)
    if problems := list(check_update(old, new)):
        raise _refusal(new, problems)


def _problems(obj: Obj, config: Config) -> Iterator[Problem]:
    kind = _check_kind(obj)
    if isinstance(kind, Problem):
        yield kind
        return
    yield from _check_metadata(obj.get("metadata"))
    if obj["apiVersion"].startswith(_GROUPS):
        yield from _check_tekton(kind, obj, config)
    elif kind == "ConfigMap" and namespace_of(obj) == NAMESPACE:
        yield from check_config(obj)
    elif kind == "LimitRange":
        yield from check_limit_range(obj)


def _check_tekton(kind: str, obj: Obj, config: Config) -> Iterator[Problem]:
    metadata = obj.get("metadata")
    name = str(metadata.get("name") or "") if isinstance(metadata, dict) else ""
    if kind == "EventListener":
        yield from check_listener_metadata(metadata if isinstance(metadata, dict) else {})
    elif len(name) > _LONGEST_NAME:
        yield Problem("metadata.name", f"has {len(name)} characters, more than {_LONGEST_NAME}")
    for field in obj:
        if field not in _TOP:
            yield Problem(str(field), f"unknown field '{field}'{did_you_mean(str(field), _TOP)}")
    shape = list(check_fields(kind, obj.get("spec"), "spec", config.flags))
    yield from shape
    # The rules may rely on the types of what they read.
    if all(problem.warning for problem in shape):
        yield from _RULES[kind](obj["spec"], "spec", config)


def _check_kind(obj: Obj) -> str | Problem:
    """The kind of an object, or why it is none that the engine knows."""
    kind, version = str(obj.get("kind", "")), str(obj.get("apiVersion", ""))
    known = {each.kind: each for each in KINDS}
    if kind not in known:
        near = did_you_mean(kind, known)
        what = f"'{kind}' is not a kind that this engine knows{near} (known: {', '.join(known)})"
        return Problem("kind", what)
    if version not in (known[kind].api_version, *known[kind].older):
        use = known[kind].api_version
        return Problem("apiVersion", f"'{version}' is not known for {kind}; use {use}")
    return kind


def _check_metadata(metadata: Any) -> Iterator[Problem]:
    if not isinstance(metadata, dict):
        yield Problem("metadata", "is missing")
        return
    name, prefix = metadata.get("name"), metadata.get("generateName")
    if not name and not prefix:
        yield Problem("metadata", "'name' or 'generateName' is missing")
    if name and not (isinstance(name, str) and _NAME.fullmatch(name)):
        yield Problem(
            "metadata.name", f"{name!r} must be lower-case letters, digits, dashes and dots"
        )
    if prefix and not (isinstance(prefix, str) and _NAME.fullmatch(f"{prefix}x")):
        yield Problem(
            "metadata.generateName",
            f"{prefix!r} must be lower-case letters, digits, dashes and dots",
        )
    for field in ("labels", "annotations"):
        yield from _check_texts(metadata.get(field) or {}, f"metadata.{field}")
    labels = metadata.get("labels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if isinstance(value, str) and not is_label_value(value):
            yield Problem(f"metadata.labels.{key}", f"{value!r} is not a label's value")


def _check_texts(found: Any, path: str) -> Iterator[Problem]:
    if not isinstance(found, dict):
        yield Problem(path, "must hold keys and texts")
        return
    for key, value in found.items():
        if not isinstance(value, str):
            yield Problem(f"{path}.{key}", "must be text")


def _refusal(obj: Obj, problems: list[Problem]) -> AdmissionError:
    first, *others = problems
    lines = [f"{other.path}: {other.text}" for other in others[: _SHOWN - 1]]
    if len(others) >= _SHOWN:
        lines.append(f"and {len(others) - _SHOWN + 1} more")
    hint = "Also:\n  " + "\n  ".join(lines) if lines else None
    return AdmissionError(first.text, where=f"{address(obj)}: {first.path}", hint=hint)
