"""What mltk.yaml says of a search: which parameters of a model to try, how, and how many.

What the parameters are, and which trials follow from it, is in `mltk.project.trials`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

MOST = 256
"""As many TaskRuns as a Tekton matrix makes (`default-max-matrix-combinations-count`)."""

USUAL = 20
"""Trials of a random search that does not say how many."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Span(_Strict):
    """Values of a number between two ends; whole ones where the parameter is a whole number."""

    min: float = Field(description="Smallest value.")
    max: float = Field(description="Largest value.")
    log: bool = Field(False, description="Whether to go by ratios, as for a learning rate.")
    points: int | None = Field(
        None,
        ge=2,
        le=MOST,
        description="So many values alone, evenly apart; a grid needs it.",
    )

    @model_validator(mode="after")
    def _runs_upwards(self) -> Span:
        if not self.min < self.max:
            raise ValueError(
                f"min must be less than max, but {self.min:g} is not below {self.max:g}"
            )
        if self.log and self.min <= 0:
            raise ValueError(f"log needs a min above 0, but min is {self.min:g}")
        return self


Choices = Annotated[list[Any], Field(min_length=1)]


def _form(value: Any) -> str:
    return "choices" if isinstance(value, list | tuple) else "span"


Values = Annotated[
    Annotated[Choices, Tag("choices")] | Annotated[Span, Tag("span")], Discriminator(_form)
]


class Halving(_Strict):
    """Stop the worse trials early: successive halving (Jamieson & Talwalkar, AISTATS 2016).

    All trials get a few epochs, the best 1/factor of them factor times as many, and so on.
    """

    factor: int = Field(3, ge=2, le=16, description="One trial of so many goes on.")
    min_epochs: int = Field(
        10, ge=1, description="Epochs of every trial before the first ones are stopped."
    )


class Search(_Strict):
    """Trials with other parameters, scored on the validation rows; the best one is delivered."""

    parameters: dict[str, Values] = Field(
        min_length=1,
        description="By name, as `training.learning_rate`: a list of values, or a range "
        "`{min, max, log, points}`. Any of `network`, `training` and `settings`.",
    )
    method: Literal["random", "grid"] = Field(
        "random", description="random draws each trial by itself; grid takes all combinations."
    )
    trials: int | None = Field(
        None,
        ge=1,
        le=MOST,
        description=f"Trials of a random search ({USUAL} when absent), or the most that a grid "
        "may have.",
    )
    seed: int | None = Field(
        None, ge=0, le=2**31 - 1, description="Seed of the draw; absent: the model's."
    )
    halving: Halving | None = Field(
        None, description="When to stop the worse trials; absent: none is stopped for another."
    )

    @model_validator(mode="after")
    def _values(self) -> Search:
        for name, values in self.parameters.items():
            if isinstance(values, list):
                _refuse_twice(name, values)
            elif self.method == "grid" and values.points is None:
                raise ValueError(f"a grid takes a list of values, or a range with points: {name}")
        return self


def _refuse_twice(name: str, values: list[Any]) -> None:
    seen: set[str] = set()
    for each in values:
        text = json.dumps(each, sort_keys=True)
        if text in seen:
            raise ValueError(f"parameters.{name} holds {text} twice")
        seen.add(text)
