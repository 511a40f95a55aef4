"""What a model may read, as types: the features of mltk.yaml.

Each takes one or more adjacent columns of the model's input (`width`); `mltk.data.table` makes
them of the cells of the table, and the graph takes it from there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from mltk.project.windowing import zone_name

Side = Annotated[int, Field(ge=1, le=1024)]
Units = Annotated[int, Field(ge=1, le=1024)]


class _Strict(BaseModel):
    # Numbers that are not finite could neither be compared nor written as JSON.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Numeric(_Strict):
    """A real-valued column."""

    name: str = Field(description="Column of the table.")
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
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that it is read from."""
        return (self.name,)

    @property
    def width(self) -> int:
        """How many columns of the input it takes."""
        return 1

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
        return self


class Categorical(_Strict):
    """A column with a closed vocabulary; the model takes the index of the value."""

    name: str = Field(description="Column of the table.")
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
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that it is read from."""
        return (self.name,)

    @property
    def width(self) -> int:
        """How many columns of the input it takes."""
        return 1

    @property
    def tells_missing(self) -> bool:
        """Whether a missing value is a column of its own to the network."""
        return self.missing == "category"

    @model_validator(mode="after")
    def _unique(self) -> Categorical:
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"values of feature '{self.name}' repeat")
        return self


class Datetime(_Strict):
    """A time, read from the clock on the wall of a time zone; cyclic parts are sine and cosine."""

    name: str = Field(description="Column of the table.")
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
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that it is read from."""
        return (self.name,)

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


class Text(_Strict):
    """A text, read as the mean of what its words mean; word order does not count."""

    name: str = Field(description="Column of the table.")
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
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that it is read from."""
        return (self.name,)

    @property
    def width(self) -> int:
        """How many columns of the input it takes: one for each word that counts."""
        return self.length

    @property
    def tells_missing(self) -> bool:
        """Whether a missing value is a column of its own to the network."""
        return False

    @property
    def unit(self) -> str:
        """None."""
        return ""


class _Block(_Strict):
    """Many numbers, which all have the same meaning."""

    name: str = Field(description="Name of the feature; the column, where columns are not given.")
    unit: str = Field("", description="Unit of measure of the numbers.")
    min: float | None = Field(None, description="Smallest number that is not an error.")
    max: float | None = Field(None, description="Largest number that is not an error.")
    description: str = Field("", description="What it means, for those who use the model.")

    @property
    def missing(self) -> Literal["error"]:
        """Every number has to be there."""
        return "error"

    @property
    def tells_missing(self) -> bool:
        """Whether a missing value is a column of its own to the network."""
        return False


class Image(_Block):
    """An image, as the numbers of its pixels, row by row; seen by convolutions."""

    type: Literal["image"] = Field(description="Has to be said.")
    shape: tuple[Side, ...] = Field(
        min_length=2, max_length=3, description="Height and width, and channels where it has some."
    )
    columns: str | None = Field(
        None,
        description="Columns of the table, as pixel_{row}_{column}, which count from 0 (and"
        " {channel}). Absent: one cell holds all numbers, with blanks between them.",
    )
    filters: tuple[Units, ...] = Field(
        (16, 32),
        min_length=1,
        description="Filters of each convolution of 3x3, after which the image is halved.",
    )

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return (*self.shape, 1)[:3]

    @property
    def width(self) -> int:
        """How many columns of the input it takes."""
        return math.prod(self.shape)

    @property
    def asked(self) -> str:
        """What a row must hold, in words."""
        return f"an image of {' x '.join(map(str, self.shape))}"

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that it is read from, row by row."""
        if self.columns is None:
            return (self.name,)
        places = itertools.product(*map(range, self.dimensions))
        return tuple(
            _put(self.columns, {"row": row, "column": column, "channel": channel})
            for row, column, channel in places
        )

    @model_validator(mode="after")
    def _names_each_pixel(self) -> Image:
        if self.columns is not None and len(set(self.sources)) != self.width:
            names = ("{row}", "{column}", "{channel}")[: len(self.shape)]
            raise ValueError(f"columns of feature '{self.name}' must hold {' and '.join(names)}")
        return self


class Series(_Block):
    """Numbers in the order of time, the latest last; seen by a convolution or a GRU."""

    type: Literal["sequence"] = Field(description="Has to be said.")
    length: Annotated[int, Field(ge=2, le=4096)] = Field(description="How many numbers.")
    columns: str | None = Field(
        None,
        description="Columns of the table, as load_{step} (counts from 0 up) or load_{lag} (from"
        " length down to 1). Absent: one cell holds all numbers, with blanks between them.",
    )
    layer: Literal["conv1d", "gru"] = Field(
        "conv1d",
        description="conv1d: what a convolution of 3 sees at each step; gru: the last state of a"
        " gated recurrent unit.",
    )
    units: Units = Field(16, description="Filters of the convolution, or width of the state.")

    @property
    def width(self) -> int:
        """How many columns of the input it takes."""
        return self.length

    @property
    def asked(self) -> str:
        """What a row must hold, in words."""
        return f"a sequence of {self.length}"

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that it is read from, the latest last."""
        if self.columns is None:
            return (self.name,)
        return tuple(
            _put(self.columns, {"step": step, "lag": self.length - step})
            for step in range(self.length)
        )

    @model_validator(mode="after")
    def _names_each_step(self) -> Series:
        if self.columns is not None and len(set(self.sources)) != self.width:
            raise ValueError(f"columns of feature '{self.name}' must hold {{step}} or {{lag}}")
        return self


def _put(pattern: str, numbers: dict[str, int]) -> str:
    for name, number in numbers.items():
        pattern = pattern.replace(f"{{{name}}}", str(number))
    return pattern


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
