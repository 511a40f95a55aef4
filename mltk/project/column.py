"""What all features of mltk.yaml have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Column(BaseModel):
    """What every feature has; those that are one number of a row say no more."""

    # Numbers that are not finite could neither be compared nor written as JSON.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(description="Column of the table.")

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
        return False
