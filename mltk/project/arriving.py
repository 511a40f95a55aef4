"""What mltk.yaml says of data that arrive: where from, and what becomes of them."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Period = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}(s|m|h)$")]
"""A number with a unit: 30s, 10m, 2h."""

SCHEMES = ("s3", "gs", "az", "file", "http", "https")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(period: str) -> float:
    """A `Period` in seconds."""
    return float(int(period[:-1]) * _SECONDS[period[-1]])


class Arrival(BaseModel):
    """Data that arrive: objects below a place become versions of the model's table."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, serialize_by_alias=True
    )

    place: str = Field(
        alias="from",
        description="Where they appear: s3://, gs://, az://BUCKET/PREFIX/, https:// or a folder.",
    )
    pattern: str = Field(
        "*.csv", min_length=1, description="Names below it that count, e.g. *.csv or 2026/*.csv."
    )
    how: Literal["append", "replace"] = Field(
        "append", description="Whether its rows are added to the table, or it is the new table."
    )
    branch: str | None = Field(
        None, min_length=1, description="Branch that gets the versions; the repository's main one."
    )
    endpoint: str | None = Field(
        None, description="URL of an S3 server that is not Amazon's, e.g. http://minio:9000."
    )
    since: str | None = Field(
        None, description="Objects that are older are in the table already, e.g. 2026-11-01."
    )
    quiet_period: Period = Field(
        "5s", description="How long a file of a folder must not have changed to be whole."
    )
    longest_wait: Period = Field(
        "60s", description="How long mltk watch gathers a burst that does not end."
    )

    @field_validator("place")
    @classmethod
    def _is_place(cls, place: str) -> str:
        scheme = urlsplit(place).scheme if "://" in place else ""
        if "://" in place and scheme not in SCHEMES:
            raise ValueError(f"'{scheme}://' is none of {', '.join(SCHEMES)}")
        if scheme in ("s3", "gs", "az") and not urlsplit(place).netloc:
            raise ValueError("names no bucket, as in s3://BUCKET/PREFIX/")
        if "@" in urlsplit(place).netloc or "?" in place:
            raise ValueError("credentials do not belong into mltk.yaml")
        return place

    @field_validator("branch")
    @classmethod
    def _is_branch(cls, branch: str | None) -> str | None:
        # What git reads as an option, a range or the name of something else.
        if branch is not None and (
            branch.startswith(("-", "refs/")) or ".." in branch or set(branch) & set(" ~^:?*[\\")
        ):
            raise ValueError(f"'{branch}' is no name of a branch")
        return branch

    @field_validator("since")
    @classmethod
    def _is_time(cls, since: str | None) -> str | None:
        if since is not None:
            try:
                datetime.fromisoformat(since)
            except ValueError:
                raise ValueError(f"'{since}' is no time such as 2026-11-01") from None
        return since

    @model_validator(mode="after")
    def _waits_long_enough(self) -> Arrival:
        if seconds(self.longest_wait) < seconds(self.quiet_period):
            raise ValueError("longest_wait is shorter than quiet_period")
        return self

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.place or self.place.startswith("file://")

    @property
    def is_listed(self) -> bool:
        """Whether it can be looked through; a web server cannot, and an event names its objects."""
        return not self.place.startswith(("http://", "https://"))

    @property
    def begins(self) -> datetime | None:
        """`since` as a moment; days and times without a zone are UTC's."""
        if self.since is None:
            return None
        found = datetime.fromisoformat(self.since)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)

    def counts(self, name: str) -> bool:
        """Whether an object so called below the place is meant, by its path or the end of it."""
        return fnmatch.fnmatchcase(name, self.pattern) or (
            "/" not in self.pattern and fnmatch.fnmatchcase(name.rpartition("/")[2], self.pattern)
        )
