"""The parameters of a model that a search may set, and what is wrong with those it asks for."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from mltk.errors import ConfigError
from mltk.project.complaints import explain_value
from mltk.project.searching import Span
from mltk.project.spec import Model
from mltk.wording import did_you_mean, worded

Parameters = Mapping[str, Any]
"""Values by name, as `{"training.learning_rate": 0.01}`."""


SECTIONS = ("network", "training", "settings")
"""Parts of a model that a search may change: what else it is, its trials must have in common."""


_NEVER = ("training.start",)
"""What a training starts from was learnt with other parameters."""

_OTHER_LOSS = "changes what the loss means, by which trials are compared: make a `matrix` of models"


def with_parameters(model: Model, parameters: Parameters) -> Model:
    """The model as it would be with these in mltk.yaml; ConfigError where there is no such one."""
    if why := refusal(model, parameters):
        raise ConfigError(
            f"no model has these parameters: {why}", where=f"mltk.yaml: {words(parameters)}"
        )
    return _changed(model, parameters)


def _changed(model: Model, parameters: Parameters) -> Model:
    """The same; pydantic's ValidationError."""
    sections: dict[str, dict[str, Any]] = {}
    for name, value in parameters.items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    update: dict[str, Any] = {}
    for section, values in sections.items():
        present = getattr(model, section)
        if isinstance(present, BaseModel):
            said = present.model_dump(mode="json", exclude_unset=True) | values
            update[section] = type(present).model_validate_json(json.dumps(said), strict=True)
        else:
            update[section] = {**present, **values}
    return model.model_copy(update=update)


def parse(text: str) -> dict[str, Any]:
    """Parameters from JSON, none from an empty text; ConfigError for what no search could set."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(map(_is_name, found)):
        raise ConfigError(
            "parameters must be JSON, by name",
            where=text[:80],
            hint='as in {"training.learning_rate": 0.01}',
        )
    return found


def _is_name(name: str) -> bool:
    section, _, key = name.partition(".")
    return section in SECTIONS and bool(key) and name not in _NEVER


def words(parameters: Parameters) -> str:
    """The parameters in one line."""
    return ", ".join(f"{name}={worded(value)}" for name, value in parameters.items())


def misfits(model: Model) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with the parameters of a search: place below the model, and why."""
    search = model.search
    if search is None:
        return
    for name, values in search.parameters.items():
        place: tuple[str | int, ...] = ("search", "parameters", name)
        known = _known(model)
        if name not in known:
            near = f"{did_you_mean(name, known)} (known: {', '.join(known)})"
            yield place, f"no parameter '{name}' can be searched{near}"
            continue
        if name == "training.epochs" and search.halving:
            yield place, "training.epochs is what halving deals out; give it in `training`"
            continue
        if name in _changing_loss(model, name):
            yield place, f"{name} {_OTHER_LOSS}"
            continue
        if isinstance(values, Span) and not _kinds(known[name]) & {int, float}:
            yield place, f"{name} is no number: give a list of values"
            continue
        yield from _wrong_values(model, name, values, place)


def _changing_loss(model: Model, name: str) -> set[str]:
    if not name.startswith("settings."):
        return set()
    return {f"settings.{each}" for each in _problem(model).settings.changes_loss}


def _wrong_values(
    model: Model, name: str, values: list[Any] | Span, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(values, Span):
        whole = is_whole(model, name)
        ends = {each: getattr(values, each) for each in ("min", "max")}
        if whole and any(end != int(end) for end in ends.values()):
            yield place, f"{name} is a whole number, so min and max must be, too"
            return
        tried: dict[str | int, Any] = {
            each: int(end) if whole else end for each, end in ends.items()
        }
    else:
        tried = dict(enumerate(values))
    for key, value in tried.items():
        if why := refusal(model, {name: value}):
            yield (*place, key), why


def refusal(model: Model, parameters: Parameters) -> str:
    """Why no model has these parameters; empty when nothing speaks against them."""
    try:
        fit = _changed(model, parameters)
        if any(name.startswith("settings.") for name in parameters):
            _problem(model).settings.of(fit)
    except ValidationError as error:
        return "; ".join(explain_value(detail) for detail in error.errors())
    return ""


def unfit(model: Model, parameters: Parameters) -> str:
    """Why its kind of problem cannot learn the model with these; empty when nothing does."""
    if why := refusal(model, parameters):
        return why
    try:
        _problem(model).check(_changed(model, parameters))
    except ConfigError as error:
        return error.what
    return ""


def _known(model: Model) -> dict[str, Any]:
    """The parameters that may be searched, with the annotation of each."""
    asks_kind = any(
        each.startswith("settings.") for each in (model.search.parameters if model.search else ())
    )
    sections: dict[str, Any] = {"network": type(model.network), "training": type(model.training)}
    if asks_kind:  # to import the kind of problem takes a moment
        sections["settings"] = _problem(model).settings
    return {
        f"{section}.{key}": field.annotation
        for section, kind in sections.items()
        for key, field in kind.model_fields.items()
        if f"{section}.{key}" not in _NEVER
    }


def _problem(model: Model) -> Any:
    from mltk.problems import load_problem

    return load_problem(model.problem)


def _kinds(annotation: Any) -> set[Any]:
    """The plain types of an annotation, of a union all."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kinds(args[0])
    if origin in (typing.Union, types.UnionType):
        return set().union(*map(_kinds, args))
    return {annotation}


def is_whole(model: Model, name: str) -> bool:
    kinds = _kinds(_known(model)[name])
    return int in kinds and float not in kinds
