"""The time windows of a model, as mltk.yaml says them.

Apart from `mltk.project.spec`, whose bytes count in the key of a model: of a window its rows do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from mltk.data.windows.periods import parse_period
from mltk.data.windows.planning import Rules
from mltk.data.windows.schedule import Schedule, schedule
from mltk.wording import did_you_mean

_FEWEST = 10


def _period(text: str) -> str:
    parse_period(text)
    return text


def _elapsed(text: str) -> str:
    _ = parse_period(text).elapsed
    return text


def zone_name(text: str) -> str:
    """Judge the name of a time zone; ValueError for what is none."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        import zoneinfo

        near = did_you_mean(text, sorted(zoneinfo.available_timezones()))
        raise ValueError(f"'{text}' is no time zone, as Europe/Berlin is{near}") from None
    return text


def _origin(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or found.microsecond:
        raise ValueError(f"'{text}' is no local time, such as 2026-01-01 or 2026-01-01T06:00")
    if not 1900 <= found.year <= 2200:
        raise ValueError(f"'{text}' lies outside of the years 1900 to 2200")
    return text


class Windows(BaseModel):
    """Time windows: each trains the model on its own rows, when it closes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Annotated[str, AfterValidator(_period)] = Field(
        description="How far apart windows begin: 15m, 6h, 1d, 1w, 1mo (month) or 1y."
    )
    length: Annotated[str, AfterValidator(_period)] | None = Field(
        None, description="How long a window is; every, unless given. Longer ones overlap."
    )
    time_column: str = Field(description="Column of the table that says when a row happened.")
    time_format: Literal["iso", "epoch", "epoch_ms"] = Field(
        "iso", description="ISO 8601, or seconds or milliseconds since 1970 in UTC."
    )
    timezone: Annotated[str, AfterValidator(zone_name)] = Field(
        "UTC", description="Whose days are counted, and of times without an offset."
    )
    origin: Annotated[str, AfterValidator(_origin)] | None = Field(
        None,
        description="Local time at which one window begins; 2000-01-01, for weeks Monday"
        " 2000-01-03, unless given.",
    )
    allowed_lateness: Annotated[str, AfterValidator(_elapsed)] = Field(
        "0m", description="How long after its end a window still takes rows, by the watermark."
    )
    idle_after: Annotated[str, AfterValidator(_elapsed)] | None = Field(
        None, description="Silence after which the clock closes windows; absent: never."
    )
    catch_up: Literal["all", "latest", "none"] = Field(
        "latest", description="What to run of several windows that closed since the last look."
    )
    min_rows: int = Field(
        _FEWEST, ge=_FEWEST, description="Rows that a window must have to be trained on."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Windows:
        self.schedule()
        return self

    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    def schedule(self) -> Schedule:
        """Where the windows lie."""
        every = parse_period(self.every)
        length = parse_period(self.length) if self.length else every
        origin = datetime.fromisoformat(self.origin) if self.origin else None
        return schedule(every, length, self.zone(), origin)

    def rules(self) -> Rules:
        """When they close and what is made of them."""
        said = (self.every, self.length, self.timezone, self.origin)
        where = (self.time_column, self.time_format)
        return Rules(
            schedule=self.schedule(),
            allowed_lateness=parse_period(self.allowed_lateness).elapsed,
            idle_after=parse_period(self.idle_after).elapsed if self.idle_after else None,
            catch_up=self.catch_up,
            min_rows=self.min_rows,
            geometry=" ".join(str(each or "-") for each in (*said, *where)),
        )
