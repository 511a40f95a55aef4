"""What to do about data that are not as they were (`checks:`); docs/data-checks.md explains it.

Apart from `mltk.project.spec`, whose bytes count in the key of a model: what is said of a table
does not change what is learnt from it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_FILE = "mltk.schema.yaml"
"""Where a project keeps what its tables must look like (`mltk.project.schemafile`)."""

Policy = Literal["fail", "warn", "off"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Drift(_Strict):
    """When a column counts as drifted from the table of the champion."""

    policy: Policy = Field(
        "warn", description="fail: the gate rejects a model that learnt from drifted data."
    )
    alpha: float = Field(
        0.01, gt=0, lt=0.5, description="Chance, at most, of any false alarm in a run."
    )
    effect: float = Field(
        0.1, ge=0, lt=1, description="Share of rows that must have moved for it to matter."
    )


class Checks(_Strict):
    """What the table is held against besides the bounds of its columns."""

    violations: Policy | None = Field(
        None,
        description="Of the schema. Absent: fail where mltk.schema.yaml has the model, warn where"
        " the schema is that of the champion's table.",
    )
    leakage: Policy = Field(
        "warn", description="Of rows that train and rows that judge, tied together."
    )
    drift: Drift = Field(Drift(), description="Of columns, against the champion's table.")
