"""What a model must show before it is registered and before it replaces the champion (`gate:`).

Apart from `mltk.project.spec`, whose bytes count in the key of a model: how it is judged does not
change what is learnt. docs/gate.md explains every rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from mltk.wording import did_you_mean

MIN_ROWS = 30
"""With fewer rows the mean of a skewed error is still far from normal (the usual rule of thumb)."""

Name = Annotated[str, Field(min_length=1, max_length=60)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Threshold(_Strict):
    """Bounds of one hold-out metric."""

    min: float | None = Field(None, description="The metric must not be below.")
    max: float | None = Field(None, description="The metric must not be above.")
    confidence: float | None = Field(
        None,
        ge=0.5,
        lt=1,
        description="How sure to be of it, e.g. 0.95: the confidence bound must keep to it, too;"
        " absent: the value alone.",
    )

    @model_validator(mode="after")
    def _some_bound(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class Range(_Strict):
    """Values of a numeric column: from `min` on, and below `max`."""

    min: float | None = Field(None, description="The smallest value in it.")
    max: float | None = Field(None, description="The smallest value above it.")

    @model_validator(mode="after")
    def _some_values(self) -> Range:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"holds no value: min {self.min:g} is not below max {self.max:g}")
        return self


def _condition_type(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "values"
    return "range" if isinstance(value, (dict, Range)) else "value"


Condition = Annotated[
    Annotated[str, Tag("value")]
    | Annotated[tuple[str, ...], Tag("values"), Field(min_length=1)]
    | Annotated[Range, Tag("range")],
    Discriminator(_condition_type),
]
"""Which rows: one value of a column, any of several, or a range of a numeric one."""


class Slice(_Strict):
    """Rows of the hold-out that are judged by themselves."""

    name: Name | None = Field(None, description="What to call it; made of the condition if absent.")
    where: dict[str, Condition] = Field(
        default_factory=dict,
        description='Which rows, by column: sex: "1", or age: {min: 60}. All must hold.',
    )
    by: str | None = Field(
        None, description="A column each of whose values, or bins, is a slice; instead of where."
    )
    at: tuple[float, ...] = Field((), description="Where the bins of a numeric column end.")
    metrics: dict[str, Threshold] = Field(
        default_factory=dict, description="Bounds by metric name, on these rows."
    )
    min_rows: int = Field(
        MIN_ROWS, ge=2, description="With fewer hold-out rows it is told and not judged."
    )
    block_when_worse: bool = Field(
        False, description="Whether to keep the champion where it is significantly better here."
    )

    @model_validator(mode="after")
    def _means_something(self) -> Slice:
        if bool(self.where) == bool(self.by):
            raise ValueError("give where or by, one of them")
        if self.at and not self.by:
            raise ValueError("at needs by: it says where the bins of that column end")
        if list(self.at) != sorted(set(self.at)):
            raise ValueError("at must rise from bin to bin")
        if self.name and self.by:
            raise ValueError("slices by a column are named by its values; remove name")
        if not (self.metrics or self.block_when_worse):
            raise ValueError("asks for nothing; give metrics, block_when_worse or both")
        return self


class Contest(_Strict):
    """When a model that passes takes the champion's place, judged on the same rows."""

    promote_when: Literal["better", "not_worse", "point"] = Field(
        "better",
        description="better: significantly; not_worse: significantly not worse by the margin;"
        " point: by the bare values.",
    )
    metric: str | None = Field(
        None, description="By which metric; absent: the primary one of the kind of problem."
    )
    margin: float | None = Field(
        None, gt=0, description="For not_worse: the loss, in the metric, that would not matter."
    )
    alpha: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Chance, at most, that a model that is no better is promoted (one-sided).",
    )
    test: Literal["auto", "t", "bootstrap", "mcnemar"] = Field(
        "auto",
        description="The paired test; auto: mcnemar for accuracy, else t.",
    )
    correct_repeats: bool = Field(
        True,
        description="Whether every further try against the same champion on the same rows"
        " must be surer.",
    )

    @model_validator(mode="after")
    def _margin_fits(self) -> Contest:
        if self.promote_when == "not_worse" and self.margin is None:
            raise ValueError("not_worse needs a margin: the loss that would not matter")
        if self.promote_when != "not_worse" and self.margin is not None:
            raise ValueError(f"margin is for promote_when: not_worse, not for {self.promote_when}")
        return self


class Gate(_Strict):
    """What a model must show before it is registered, and to become champion (docs/gate.md)."""

    metrics: dict[str, Threshold] = Field(
        default_factory=dict, description="Bounds by metric name, e.g. rmse: {max: 60}."
    )
    baseline: str = Field(
        "trivial",
        description="What to beat: none, trivial (the mean, the majority), or also another baseline"
        " of the kind of problem, as linear.",
    )
    slices: tuple[Slice, ...] = Field(
        (), description="Groups of rows that are judged by themselves."
    )
    champion: Contest = Field(Contest(), description="When to replace the champion.")
    min_improvement: float = Field(
        0.0, ge=0, description="By how much (in the metric of the contest) to beat the champion."
    )
    parity: float = Field(
        1e-4,
        gt=0,
        description="Largest error of the export against Keras, relative to the output's scale.",
    )
    max_size_kb: float | None = Field(None, gt=0, description="Budget of the bundle, kB.")
    max_latency_ms: float | None = Field(
        None, gt=0, description="Budget of one prediction in Node.js, median of many, ms."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Gate:
        names = [each.name for each in self.slices if each.name]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two slices have the name '{twice}'")
        return self

    @model_validator(mode="after")
    def _one_gain(self) -> Gate:
        if self.min_improvement and self.champion.promote_when == "not_worse":
            raise ValueError("min_improvement has no meaning with promote_when: not_worse")
        return self


def refuse_unknown(slices: Sequence[Slice], columns: Mapping[str, tuple[str, ...] | None]) -> None:
    """Raise ValueError for a slice of a column or a value that is not there.

    `columns` are those of the model with the values of each, None for a numeric column. Of a column
    with an empty tuple only the data know what it holds, and `mltk.gate.slices` judges it.
    """
    for index, each in enumerate(slices):
        place = f"gate.slices[{index}]"
        for name in (*each.where, *([each.by] if each.by else [])):
            if name not in columns:
                near = did_you_mean(name, columns)
                known = ", ".join(columns)
                raise ValueError(f"{place}: there is no column '{name}'{near} (known: {known})")
        for name, condition in each.where.items():
            if columns[name] != ():
                _refuse_condition(f"{place}.where.{name}", condition, columns[name])
        if each.by and columns[each.by] != ():
            _refuse_bins(f"{place}.by", each, columns[each.by])


def _refuse_condition(
    place: str, condition: str | tuple[str, ...] | Range, values: tuple[str, ...] | None
) -> None:
    if values is None:
        if not isinstance(condition, Range):
            raise ValueError(f"{place}: the column is numeric; give a range, as {{min: 1, max: 2}}")
        return
    if isinstance(condition, Range):
        raise ValueError(f"{place}: the column is not numeric; give a value, or a list of them")
    for value in (condition,) if isinstance(condition, str) else condition:
        if value not in values:
            near = did_you_mean(value, values)
            raise ValueError(
                f"{place}: there is no value '{value}'{near} (known: {', '.join(values)})"
            )


def _refuse_bins(place: str, each: Slice, values: tuple[str, ...] | None) -> None:
    if values is None and not each.at:
        raise ValueError(
            f"{place}: '{each.by}' is numeric; say where its bins end, as at: [40, 60]"
        )
    if values is not None and each.at:
        raise ValueError(f"{place}: '{each.by}' is not numeric and has no bins; remove at")
