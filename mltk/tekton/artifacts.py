"""Artifacts: what steps say that they took in and made, alpha in Tekton (``enable-artifacts``).

A step writes it as JSON into ``$(step.artifacts.path)``, or for the whole Task into
``$(artifacts.path)``. Rules: ``artifact_types.go``, ``internal/artifactref`` and
``applyStepArtifactSubstitutions`` of Tekton's entrypoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltk.tekton.objects import Obj
from mltk.tekton.substitution import Variables

OFF = "feature flag enable-artifacts should be set to true to use artifacts feature."
STEP_PATH, TASK_PATH = "step.artifacts.path", "artifacts.path"
_PARTS = ("inputs", "outputs")
_STEP = re.compile(r"\$\(steps\.([^.]+)\.(inputs|outputs)\.([^.)]+)\)")
_TASK = re.compile(r"\$\(tasks\.([^.]+)\.(?:inputs|outputs)\.([^.)]+)\)")
_ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})

# What a step wrote of its artifacts; None when it wrote nothing.
ReadArtifacts = Callable[[str], str | None]


@dataclass(frozen=True)
class Replaced:
    """Texts with artifacts in place; `problem` says what could not be replaced."""

    script: str | None
    command: tuple[str, ...]
    env: Mapping[str, str]
    problem: str = ""


def used_in_step(text: str) -> bool:
    """Whether a text names artifacts of a step."""
    return _STEP.search(text) is not None or f"$({STEP_PATH})" in text


def used(text: str) -> bool:
    """Whether a text names artifacts of a step, of the Task or of another one."""
    return used_in_step(text) or _TASK.search(text) is not None or f"$({TASK_PATH})" in text


def read(text: str) -> Obj:
    """What a file says; ValueError when it says nothing that can be taken."""
    try:
        found = json.loads(text)
        return {part: [_artifact(each) for each in found.get(part) or ()] for part in _PARTS}
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def entries(index: int, of_step: str | None, of_task: str | None) -> list[Obj]:
    """What the step of that number adds to its termination message (``appendArtifactOutputs``)."""
    files = (
        (f"/tekton/run/{index}/status/artifacts/provenance.json", of_step, 5),
        ("/tekton/artifacts/provenance.json", of_task, 6),
    )
    return [{"key": key, "value": told, "type": kind} for key, told, kind in files if told]


def told_by(of_step: str | None, of_task: str | None) -> Obj:
    """Artifacts of a step, and under ``task`` those of its Task; what is no JSON tells of none."""
    found = _read_or_nothing(of_step)
    task = _read_or_nothing(of_task)
    return {**found, **({"task": task} if task else {})}


def merge(told: Iterable[Obj]) -> Obj:
    """Artifacts of a Task: those of all that were told of, each value once, by their names."""
    made: dict[str, dict[str, Obj]] = {part: {} for part in _PARTS}
    for each in told:
        for part, known in made.items():
            for artifact in each.get(part) or ():
                kept = known.setdefault(artifact["name"], {"name": artifact["name"]})
                for value in artifact.get("values") or ():
                    if value not in kept.setdefault("values", []):
                        kept["values"].append(value)
                if part == "outputs" and artifact.get("buildOutput"):
                    kept["buildOutput"] = True
    return {part: list(known.values()) for part, known in made.items() if known}


def variables(task: str, told: Obj) -> Variables:
    """Variables that stand for the artifacts of a task of a Pipeline (``PropagateArtifacts``)."""
    found = {}
    for part in _PARTS:
        for index, artifact in enumerate(told.get(part) or ()):
            shown = _shown(artifact.get("values"))
            found[f"tasks.{task}.{part}.{artifact['name']}"] = shown
            if not index:
                found[f"tasks.{task}.{part}"] = shown
    return Variables(found)


def used_of_tasks(text: str) -> bool:
    """Whether a text names artifacts of another task of a Pipeline."""
    return _TASK.search(text) is not None


def replace(
    script: str | None,
    command: Sequence[str],
    env: Mapping[str, str],
    read_of: ReadArtifacts,
) -> Replaced:
    """Put values of artifacts into the script, or else the command, then the environment."""
    texts, replaced_env, problem = tuple(command), dict(env), ""
    try:
        if script is None:
            texts = tuple(_text(each, read_of) for each in command)
        else:
            script = _text(script, read_of)
        for name, text in env.items():
            replaced_env[name] = _text(text, read_of)
    except ValueError as error:
        problem = str(error)
    return Replaced(script, texts, replaced_env, problem)


def _read_or_nothing(text: str | None) -> Obj:
    try:
        found = read(text) if text else {}
    except ValueError:
        return {}
    return {part: listed for part, listed in found.items() if listed}


def _artifact(found: Any) -> Obj:
    made: Obj = {"name": str(found.get("name") or "")}
    if values := [_value(each) for each in found.get("values") or ()]:
        made["values"] = values
    if found.get("buildOutput") is True:
        made["buildOutput"] = True
    return made


def _value(found: Any) -> Obj:
    digest = {str(key): str(each) for key, each in sorted((found.get("digest") or {}).items())}
    uri = found.get("uri") or ""
    return {**({"digest": digest} if digest else {}), **({"uri": str(uri)} if uri else {})}


def _text(text: str, read_of: ReadArtifacts) -> str:
    for variable, value in dict(_values(text, read_of)).items():
        text = text.replace(variable, value)
    return text


def _values(text: str, read_of: ReadArtifacts) -> Iterator[tuple[str, str]]:
    for found in _STEP.finditer(text):
        told = read_of(found[1])
        if told is None:
            raise ValueError(f"no such file: artifacts of step {found[1]}")
        named = [each for each in read(told)[found[2]] if each["name"] == found[3]]
        if not named:
            raise ValueError(f"values for template {found[0]} not found")
        yield found[0], _shown(named[0].get("values"))


def _shown(values: Any) -> str:
    """As Go writes JSON."""
    shown = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return shown.translate(_ESCAPED)
