"""mltk.yaml -> Project, with the line of every complaint.

Reading and judging are apart: ``load`` maps failures of the disk, ``parse`` is pure. All complaints
about a file are reported together, so that it is corrected in one go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from mltk.errors import ConfigError
from mltk.problems import installed, load_problem
from mltk.project.complaint import Complaint
from mltk.project.complaints import explain, explain_all, suggestion
from mltk.project.matrix import expand, gathered
from mltk.project.parameters import misfits
from mltk.project.spec import Project
from mltk.project.yaml12 import Loader, compose

FILENAME = "mltk.yaml"
_HINT = "`mltk config schema` prints all keys with their meaning"
_USUAL = ("none", "trivial", "linear")
"""Baselines that need no look at the kind of problem, which takes a moment to import."""
_PLAIN = ("mltk.problems.regression", "mltk.problems.classification")
"""Kinds that any target with such a baseline fits, where no settings are said."""


T = TypeVar("T", bound=BaseModel)


def load(path: Path) -> Project:
    """The project file at `path`; ConfigError with file and line for what is wrong in it."""
    return parse(read_text(path), path.name)


def parse(text: str, origin: str = FILENAME) -> Project:
    """The project that `text` describes; `origin` is the file's name in complaints."""
    expanded = expand(_nodes(text, origin, _HINT))
    found = list(expanded.complaints) or _validated(Project, expanded.root)
    if isinstance(found, Project):
        project, root = found, expanded.root
        found = [
            *_unknown_problems(project, root),
            *_misfits(project, root),
            *_searches(project, root),
            *_other_branches(project, root),
        ]
        if not found:
            return project
    raise _refusal(gathered(found, expanded.origins), origin, _HINT)


def read_as(kind: type[T], text: str, origin: str, hint: str) -> T:
    """Read `text` strictly as a document of `kind`; ConfigError with the line of each complaint."""
    found = _validated(kind, _nodes(text, origin, hint))
    if isinstance(found, list):
        raise _refusal(found, origin, hint)
    return found


def _nodes(text: str, origin: str, hint: str) -> yaml.MappingNode:
    root = _compose(text, origin)
    if complaints := list(_duplicates(root)):
        raise _refusal(complaints, origin, hint)
    return root


def _validated(kind: type[T], root: yaml.MappingNode) -> T | list[Complaint]:
    # JSON is the strict door of pydantic: there "3" is no number, and true no 1.
    document = json.dumps(_plain(root, Loader("")))
    try:
        return kind.model_validate_json(document, strict=True)
    except ValidationError as error:
        return list(explain_all(error.errors(), root, kind))


def read_text(path: Path, hint: str = "`mltk init` starts one") -> str:
    """The text of a file that people write; ConfigError where there is none, with `hint`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError("no such file", where=str(path), hint=hint) from None
    except UnicodeDecodeError:
        raise ConfigError(
            "the file is not UTF-8 text", where=str(path), hint="save it as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _compose(text: str, origin: str) -> yaml.MappingNode:
    try:
        root = compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(
            f"not valid YAML: {error.problem or error.context}",
            where=f"{origin}{place}",
            hint="indent with spaces; put text that holds ': ' or starts with a sign in quotes",
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}".splitlines()[0], where=origin) from None
    except RecursionError:
        raise ConfigError("not a project file: nested too deeply", where=origin) from None
    if root is None:
        raise ConfigError("the file is empty", where=origin, hint="`mltk init` writes a first one")
    if not isinstance(root, yaml.MappingNode):
        line = root.start_mark.line + 1
        raise ConfigError(
            "must hold keys and values, as in `project: name`", where=f"{origin}:{line}"
        )
    return root


def _duplicates(node: yaml.Node, above: tuple[yaml.Node, ...] = ()) -> Iterator[Complaint]:
    if node in above:
        yield Complaint(node.start_mark.line + 1, "an anchor that holds itself has no end")
        return
    below = (*above, node)
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, below)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                yield Complaint(line, "a key must be a plain word")
            elif name.value in first and name.value != "<<":
                yield Complaint(
                    line, f"'{name.value}' is given twice, first on line {first[name.value]}"
                )
            else:
                first[name.value] = line
            yield from _duplicates(value, below)


def _plain(node: yaml.Node, loader: Loader) -> Any:
    """The node as JSON has it: keys are text (`on:` too), a date is the text that was typed."""
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        return {name.value: _plain(value, loader) for name, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, loader) for item in node.value]
    try:
        value = loader.construct_object(node)
    except (ValueError, yaml.YAMLError):
        return node.value
    return value if isinstance(value, str | int | float | None) else node.value


def _unknown_problems(project: Project, root: yaml.MappingNode) -> Iterator[Complaint]:
    known = sorted(installed())
    for name, model in project.models.items():
        # Without an installed package there is no list to judge by; the learning steps will.
        if known and model.problem not in known:
            detail = {
                "type": "unknown_problem",
                "loc": ("models", name, "problem"),
                "msg": f"no kind of problem '{model.problem}'{suggestion(model.problem, known)}",
            }
            yield explain(detail, root, Project)


def _misfits(project: Project, root: yaml.MappingNode) -> Iterator[Complaint]:
    """What the kinds of problem say of models that ask for more than every kind has."""
    kinds = installed()
    for name, model in project.models.items():
        usual = model.target and not model.settings and model.gate.baseline in _USUAL
        kind = kinds.get(model.problem)
        # What another kind takes as usual, nobody knows without asking it.
        if kind is None or (usual and kind.module in _PLAIN):
            continue
        place = ("models", name)
        try:
            load_problem(model.problem).check(model)
        except ValidationError as error:
            for detail in error.errors():
                loc = (*place, "settings", *detail["loc"])
                yield explain({**detail, "loc": loc}, root, Project)
        except ConfigError as error:
            hint = f"; {error.hint}" if error.hint else ""
            told = {"type": "misfit", "loc": (*place, "problem"), "msg": f"{error.what}{hint}"}
            yield explain(told, root, Project)


def _searches(project: Project, root: yaml.MappingNode) -> Iterator[Complaint]:
    """Parameters of a search that no model has, and values that none takes."""
    kinds = installed()
    for name, model in project.models.items():
        if model.search is None or (kinds and model.problem not in kinds):
            continue
        for place, why in misfits(model):
            detail = {"type": "misfit", "loc": ("models", name, *place), "msg": why}
            yield explain(detail, root, Project)


def _other_branches(project: Project, root: yaml.MappingNode) -> Iterator[Complaint]:
    """Arrivals that go to another branch than the first: one look takes the data of all models."""
    said = {name: each.arrival for name, each in project.models.items() if each.arrival}
    first = next(iter(said), "")
    for name, arrival in said.items():
        if arrival.branch != said[first].branch:
            branch = said[first].branch or arrival.branch
            told = (
                f"data of '{name}' go to {_branch(arrival.branch)}, those of '{first}' to"
                f" {_branch(said[first].branch)}; write `branch: {branch}` at both, or at none"
            )
            detail = {"type": "branch", "loc": ("models", name, "arrival", "branch"), "msg": told}
            yield explain(detail, root, Project)


def _branch(name: str | None) -> str:
    return f"the branch '{name}'" if name else "the main branch"


def _refusal(complaints: list[Complaint], origin: str, hint: str) -> ConfigError:
    found = sorted(set(complaints), key=lambda complaint: (complaint.line, complaint.what))
    if len(found) == 1:
        return ConfigError(found[0].what, where=f"{origin}:{found[0].line}", hint=hint)
    lines = "".join(f"\n  {origin}:{one.line}: {one.what}" for one in found)
    return ConfigError(f"{len(found)} things are wrong:{lines}", where=origin, hint=hint)
