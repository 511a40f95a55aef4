"""Features that are many numbers of a row: images and sequences."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mltk.project.column import Column

Side = Annotated[int, Field(ge=1, le=1024)]
Units = Annotated[int, Field(ge=1, le=1024)]


class _Block(Column):
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
