"""What a model may read, as types: the features of mltk.yaml.

Each takes one or more adjacent columns of the model's input (`width`); `mltk.data.table` makes
them of the cells of the table, and the graph takes it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from mltk.project.blocks import Image, Series
from mltk.project.column import Column
from mltk.project.windowing import zone_name

LARGEST = (2 - 2**-23) * 2.0**127
"""Largest number of a float32, which is what a model computes with."""


class Numeric(Column):
    """A real-valued column."""

    type: Literal["numeric"] = Field("numeric", description="May be left out.")
    unit: str = Field("", description="Unit of measure, shown to those who use the model.")
    min: float | None = Field(None, description="Smallest value that is not an error.")
    max: float | None = Field(None, description="Largest value that is not an error.")
    missing: Literal["error", "mean", "median", "constant"] = Field(
        "error",
        description="What stands in for a missing value, in the exported graph too: the mean or the"
        " median of the training rows, or fill_value. error: there must be none.",
    )
    fill_value: float | None = Field(None, description="The constant of missing: constant.")
    missing_indicator: bool = Field(
        False, description="Whether the model also learns from the value's being missing."
    )
    description: str = Field("", description="What it means, for those who use the model.")

    @property
    def tells_missing(self) -> bool:
        """Whether a missing value is a column of its own to the network."""
        return self.missing_indicator

    @model_validator(mode="after")
    def _fills(self) -> Numeric:
        if self.missing == "constant" and self.fill_value is None:
            raise ValueError(f"feature '{self.name}': missing: constant needs a fill_value")
        if self.missing != "constant" and self.fill_value is not None:
            raise ValueError(f"feature '{self.name}': fill_value is for missing: constant")
        if self.missing == "error" and self.missing_indicator:
            raise ValueError(
                f"feature '{self.name}': missing_indicator needs missing: mean, median or constant"
            )
        if self.fill_value is not None:
            self._holds(self.fill_value)
        return self

    def _holds(self, value: float) -> None:
        """Refuse a fill_value that no cell of the column could hold."""
        if not abs(value) <= LARGEST:
            raise ValueError(
                f"feature '{self.name}': fill_value {value:g} is not a finite 32-bit number"
            )
        if (self.min is not None and value < self.min) or (
            self.max is not None and value > self.max
        ):
            raise ValueError(
                f"feature '{self.name}': fill_value {value:g} is not within min and max"
            )


class Categorical(Column):
    """A column with a closed vocabulary; the model takes the index of the value."""

    type: Literal["categorical"] = Field(description="Has to be said.")
    values: tuple[str, ...] = Field(min_length=2, description="The vocabulary, in order.")
    unit: str = Field("", description="Unit of measure, if the values have one.")
    missing: Literal["error", "most_frequent", "category"] = Field(
        "error",
        description="What a missing value counts as: the most frequent value of the training rows,"
        " or a category of its own. error: there must be none.",
    )
    description: str = Field("", description="What it means, for those who use the model.")

    @property
    def tells_missing(self) -> bool:
        """Whether a missing value is a column of its own to the network."""
        return self.missing == "category"

    @model_validator(mode="after")
    def _unique(self) -> Categorical:
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"values of feature '{self.name}' repeat")
        return self


class Datetime(Column):
    """A time, read from the clock on the wall of a time zone; cyclic parts are sine and cosine."""

    type: Literal["datetime"] = Field(description="Has to be said.")
    parts: tuple[Literal["hour", "weekday", "month", "year_day", "trend"], ...] = Field(
        min_length=1,
        description="What of it to learn from: the time of day, the day of the week, the month, the"
        " day of the year, and how time goes on.",
    )
    time_format: Literal["iso", "epoch", "epoch_ms"] = Field(
        "iso", description="ISO 8601, or seconds or milliseconds since 1970 in UTC."
    )
    timezone: Annotated[str, AfterValidator(zone_name)] = Field(
        "UTC",
        description="Whose clock counts. A time without an offset is taken for what that clock"
        " shows.",
    )
    missing: Literal["error", "mean"] = Field(
        "error",
        description="What stands in for a missing time: the mean of each part over the training"
        " rows. error: there must be none.",
    )
    missing_indicator: bool = Field(
        False, description="Whether the model also learns from the time's being missing."
    )
    description: str = Field("", description="What it means, for those who use the model.")

    @property
    def width(self) -> int:
        """How many columns of the input it takes: the day, and the second of the day."""
        return 2

    @property
    def tells_missing(self) -> bool:
        """Whether a missing value is a column of its own to the network."""
        return self.missing_indicator

    @property
    def unit(self) -> str:
        """None: each part has its own."""
        return ""

    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    @model_validator(mode="after")
    def _means_something(self) -> Datetime:
        if len(set(self.parts)) != len(self.parts):
            raise ValueError(f"parts of feature '{self.name}' repeat")
        if self.missing == "error" and self.missing_indicator:
            raise ValueError(f"feature '{self.name}': missing_indicator needs missing: mean")
        return self


class Text(Column):
    """A text, read as the mean of what its words mean; word order does not count."""

    type: Literal["text"] = Field(description="Has to be said.")
    length: int = Field(64, ge=2, le=1024, description="How many words count, the first ones.")
    buckets: int = Field(
        2048,
        ge=2,
        le=1_000_000,
        description="How many words are told apart: each is numbered by its hash, up to so many.",
    )
    dimensions: int = Field(
        16, ge=1, le=1024, description="How many numbers are learnt of each word."
    )
    missing: Literal["error", "empty"] = Field(
        "error",
        description="What a missing text counts as: one without words. error: there must be none.",
    )
    description: str = Field("", description="What it means, for those who use the model.")

    @property
    def width(self) -> int:
        """How many columns of the input it takes: one for each word that counts."""
        return self.length

    @property
    def unit(self) -> str:
        """None."""
        return ""


def _feature_type(value: Any) -> str:
    """A feature without a type is numeric."""
    if isinstance(value, dict):
        return str(value.get("type", "numeric"))
    return str(getattr(value, "type", ""))


Feature = Annotated[
    Annotated[Numeric, Tag("numeric")]
    | Annotated[Categorical, Tag("categorical")]
    | Annotated[Datetime, Tag("datetime")]
    | Annotated[Text, Tag("text")]
    | Annotated[Image, Tag("image")]
    | Annotated[Series, Tag("sequence")],
    Discriminator(_feature_type),
]


def starts(features: Iterable[Feature]) -> Iterator[tuple[int, Feature]]:
    """Give each feature with the first of the columns that it takes."""
    start = 0
    for feature in features:
        yield start, feature
        start += feature.width
