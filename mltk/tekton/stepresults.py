"""Results of steps in the steps after them: ``$(steps.NAME.results.NAME)``.

Rules: ``pkg/internal/resultref`` and ``applyStepResultSubstitutions`` of Tekton's entrypoint, which
replaces them right before a step starts, in the environment, then in `when`, then in command and
args. What cannot be replaced ends that: what comes after it stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mltk.tekton.objects import Obj
from mltk.tekton.results import from_json
from mltk.tekton.substitution import Value

# What a step wrote into a file of its results; None when there is none. Arguments: step, result.
ReadResult = Callable[[str, str], str | None]

USE = re.compile(r"\$\(steps\..*?\.results\..*?\)")
_INDEX = re.compile(r"\[([0-9]*)(\*?)\]")
_FORMS = (
    'must be one of the form 1). "steps.<stepName>.results.<resultName>"; 2).'
    ' "steps.<stepName>.results.<objectResultName>.<individualAttribute>"'
)
_NOT_WHOLE = (
    'value must be in "$(steps.<step-name>.results.<result-name>[*])" format, when using array'
    " results"
)


class OutOfRange(Exception):
    """An element that a list does not have: Tekton's entrypoint breaks off there."""


@dataclass(frozen=True)
class StepResultRef:
    """A result of a step, an element (`index`) or a key of it, or `whole` as a list."""

    step: str
    result: str
    index: int | None = None
    whole: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Start:
    """What a step starts with; `problem` says what could not be replaced."""

    env: Mapping[str, str]
    when: Sequence[Obj]
    command: tuple[str, ...]
    problem: str = ""


def parse(variable: str) -> StepResultRef:
    """Read ``$(steps.s.results.r)``, ``...r[1]``, ``...r[*]``, ``...r.key``.

    Raises ValueError for anything else.
    """
    parts = variable.removeprefix("$(").removesuffix(")").split(".")
    if len(parts) not in (4, 5) or parts[0] != "steps" or parts[2] != "results":
        raise ValueError(_FORMS)
    if len(parts) == 5:
        return StepResultRef(parts[1], parts[3], key=parts[4])
    index = _INDEX.search(parts[3])
    name = _INDEX.sub("", parts[3])
    if index is None or not (index[1] or index[2]):
        return StepResultRef(parts[1], name)
    if index[2]:
        return StepResultRef(parts[1], name, whole=True)
    return StepResultRef(parts[1], name, int(index[1]))


def replace(
    env: Mapping[str, str], when: Sequence[Obj], command: Sequence[str], read: ReadResult
) -> Start:
    """Replace results of steps in what a step starts with; OutOfRange for a missing element."""
    replaced_env, replaced_when = dict(env), list(when)
    try:
        for name, text in env.items():
            replaced_env[name] = _text(text, read)
        for index, expression in enumerate(when):
            replaced_when[index] = _expression(expression, read)
        return Start(replaced_env, replaced_when, _command(command, read))
    except ValueError as error:
        return Start(replaced_env, replaced_when, tuple(command), str(error))


def _expression(expression: Obj, read: ReadResult) -> Obj:
    made = dict(expression)
    if expression.get("values"):
        made["values"] = [part for value in expression["values"] for part in _elements(value, read)]
    for field in ("input", "cel"):
        if expression.get(field):
            made[field] = _text(expression[field], read)
    return made


def _command(command: Sequence[str], read: ReadResult) -> tuple[str, ...]:
    made: list[str] = []
    for text in command:
        try:
            made.extend(_elements(text, read))
        except _Missing as missing:
            raise ValueError(
                f"failed to find replacement for {missing.variable} to replace {text}"
            ) from None
    return tuple(made)


class _Missing(ValueError):
    """A result that cannot be read."""

    def __init__(self, variable: str, why: str) -> None:
        super().__init__(why)
        self.variable = variable


def _elements(text: str, read: ReadResult) -> list[str]:
    """One element of a list, which a whole result may make many of."""
    for found in USE.finditer(text):
        value = _value(found[0], read)
        if isinstance(value, list) and value:
            if found[0] != text:
                raise ValueError(_NOT_WHOLE)
            return value
    return [_text(text, read)]


def _text(text: str, read: ReadResult) -> str:
    for variable in USE.findall(text):
        value = _value(variable, read)
        text = text.replace(variable, value if isinstance(value, str) else "")
    return text


def _value(variable: str, read: ReadResult) -> str | list[str]:
    try:
        ref = parse(variable)
    except ValueError as error:
        raise _Missing(variable, str(error)) from None
    raw = read(ref.step, ref.result)
    if raw is None:
        raise _Missing(variable, f"no such file: result {ref.result} of step {ref.step}")
    return _part(from_json(raw), ref, variable)


def _part(value: Value, ref: StepResultRef, variable: str) -> str | list[str]:
    """What Go finds in the field of a value that the reference asks for."""
    if ref.key is not None:
        return value.get(ref.key, "") if isinstance(value, dict) else ""
    if ref.whole:
        return value if isinstance(value, list) else []
    if ref.index is None:
        return value if isinstance(value, str) else ""
    if not isinstance(value, list) or ref.index >= len(value):
        raise OutOfRange(f"there is no element {variable}")
    return value[ref.index]
