"""The trials of a search: which parameters each has, and when the worse ones are stopped. Pure.

The same search gives the same trials, and one with more of them begins with the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import random
from collections.abc import Sequence
from typing import Any

from mltk.errors import ConfigError
from mltk.project.parameters import Parameters, is_whole, unfit, words
from mltk.project.searching import MOST, USUAL, Halving, Search, Span
from mltk.project.spec import Model
from mltk.wording import counted

_DIGITS = 4
"""Of a value that is drawn: no training tells it from its neighbours, and people can read it."""
_DRAWS = 50
"""Draws for each trial until one comes out that was not there before."""


@dataclasses.dataclass(frozen=True)
class PlannedTrial:
    """One of the trials: `number` counts from 1, `name` is the same wherever it is tried."""

    number: int
    name: str
    parameters: Parameters


@dataclasses.dataclass(frozen=True)
class Rung:
    """At this many epochs, of so many trials, the better ones go on."""

    epochs: int
    trials: int


@dataclasses.dataclass(frozen=True)
class SearchPlan:
    """All that a search will do: its trials in order, and its rungs, the first one with all."""

    trials: tuple[PlannedTrial, ...]
    rungs: tuple[Rung, ...]

    @property
    def epochs(self) -> int:
        """Epochs of all trials, if none stops by itself: who goes on is not trained twice."""
        befores = (0, *(rung.epochs for rung in self.rungs))
        return sum(
            rung.trials * (rung.epochs - before)
            for rung, before in zip(self.rungs, befores, strict=False)
        )

    def trial(self, name: str) -> PlannedTrial:
        """One of the trials; ConfigError for a name that none has."""
        for each in self.trials:
            if each.name == name:
                return each
        raise ConfigError(
            f"the search of this revision has no trial '{name}'",
            where="mltk.yaml: search",
            hint="start the search anew: mltk search MODEL",
        )


def plan(name: str, model: Model) -> SearchPlan:
    """Plan the search of model `name`; ConfigError where it has none, or a trial fits no model."""
    search = model.search
    if search is None:
        raise ConfigError(
            f"model '{name}' has no search",
            where="mltk.yaml",
            hint=f"add `search: {{parameters: {{...}}}}` to models.{name} (docs/search.md)",
        )
    if model.training.start != "fresh":
        raise ConfigError(
            f"the trials of '{name}' would start from a model of other parameters",
            where="mltk.yaml: training.start",
            hint="search with `start: fresh`, keep what is found, then start from that champion",
        )
    drawn = _grid(model, search) if search.method == "grid" else _drawn(model, search)
    trials = tuple(
        PlannedTrial(number, trial_name(each), each) for number, each in enumerate(drawn, start=1)
    )
    for each in trials:
        _refuse_unfit(name, model, each)
    return SearchPlan(trials, rungs(len(trials), model.training.epochs, search.halving))


def trial_name(parameters: Parameters) -> str:
    """A name that follows from the parameters alone."""
    text = json.dumps(dict(parameters), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def rungs(trials: int, epochs: int, halving: Halving | None) -> tuple[Rung, ...]:
    """The rungs of successive halving, down to one trial or up to all `epochs`.

    Algorithm 1 of "Non-stochastic Best Arm Identification and Hyperparameter Optimization"
    (Jamieson & Talwalkar, AISTATS 2016), with the budgets of Hyperband (Li et al., JMLR 2018):
    of n trials floor(n / factor^k) get epochs / factor^(s - k).
    """
    if halving is None:
        return (Rung(epochs, trials),)
    factor, steps = halving.factor, 0
    while factor ** (steps + 1) <= trials and epochs / factor ** (steps + 1) >= halving.min_epochs:
        steps += 1
    found = [
        Rung(math.ceil(epochs / factor ** (steps - k)), trials // factor**k)
        for k in range(steps + 1)
    ]
    # Who is left alone has won: it is trained to its end as every model is.
    return tuple(rung for rung in found if rung is found[0] or rung.trials > 1)


def _refuse_unfit(name: str, model: Model, trial: PlannedTrial) -> None:
    """Refuse values that are fine one by one, and make no model together."""
    if why := unfit(model, trial.parameters):
        raise ConfigError(
            f"trial {trial.number} of '{name}' is no model: {why}",
            where=f"mltk.yaml: {words(trial.parameters)}",
            hint="correct search.parameters",
        )


def _grid(model: Model, search: Search) -> list[Parameters]:
    axes = {name: _values(model, name, values) for name, values in search.parameters.items()}
    number = math.prod(map(len, axes.values()))
    most = search.trials or MOST
    if number > most:
        raise ConfigError(
            f"the grid has {number} combinations, and {most} is the most",
            where="mltk.yaml: search",
            hint="list fewer values, or `method: random` with `trials: N`",
        )
    return [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]


def _values(model: Model, name: str, values: list[Any] | Span) -> list[Any]:
    """The values of a list, or of a range with points; those that round to the same are one."""
    if isinstance(values, list):
        return values
    last = (values.points or 2) - 1
    found = [_at(values, step / last, whole=is_whole(model, name)) for step in range(last + 1)]
    return list(dict.fromkeys(found))


def _at(span: Span, share: float, *, whole: bool) -> float | int:
    """The value at a share of the way from min to max, by ratios where the range says so."""
    if span.log:
        value = span.min * (span.max / span.min) ** share
    else:
        value = span.min + (span.max - span.min) * share
    rounded = round(value) if whole else float(f"{value:.{_DIGITS}g}")
    # The ends themselves are allowed, and rounding must not lead past them.
    low, high = (int(span.min), int(span.max)) if whole else (span.min, span.max)
    return min(max(rounded, low), high)


def _drawn(model: Model, search: Search) -> list[Parameters]:
    wanted = search.trials or USUAL
    source = random.Random(model.seed if search.seed is None else search.seed)  # noqa: S311
    whole = {name: is_whole(model, name) for name in search.parameters}
    found: dict[str, Parameters] = {}
    for _ in range(wanted * _DRAWS):
        drawn = {
            name: _draw(source, _listed(model, name, values), whole=whole[name])
            for name, values in search.parameters.items()
        }
        found.setdefault(trial_name(drawn), drawn)
        if len(found) == wanted:
            return list(found.values())
    raise ConfigError(
        f"there are no {wanted} different trials: {counted(len(found), 'combination')} came out of"
        f" {wanted * _DRAWS} draws",
        where="mltk.yaml: search.trials",
        hint="ask for fewer trials, give more values, or take each combination once: method: grid",
    )


def _listed(model: Model, name: str, values: list[Any] | Span) -> Sequence[Any] | Span:
    if isinstance(values, Span) and values.points is None:
        return values
    return _values(model, name, values)


def _draw(source: random.Random, values: Sequence[Any] | Span, *, whole: bool) -> Any:
    share = source.random()
    if not isinstance(values, Span):
        return values[int(share * len(values))]
    if whole and not values.log:
        # Every whole number as often, the two at the ends too.
        return int(values.min) + int(share * (int(values.max) - int(values.min) + 1))
    return _at(values, share, whole=whole)
