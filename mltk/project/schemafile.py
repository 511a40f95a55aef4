"""mltk.schema.yaml: what the table of each model must look like, inferred once and committed.

`mltk schema infer` writes it, people may edit it, and every run holds its table against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mltk.data.quality.schema import ColumnSchema, Schema
from mltk.project.checking import SCHEMA_FILE
from mltk.project.load import read_as, read_text
from mltk.project.spec import Name

_HINT = "`mltk schema infer` writes it anew, docs/data-checks.md explains it"
_HEAD = """\
# What the tables must look like (docs/data-checks.md). Every run is held against it.
# `mltk schema infer` wrote it; edit it as you like, or infer it anew when the data are to change.
"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Column(_Strict):
    """A column: its type, and what of it is no violation."""

    type: Literal["numeric", "categorical"] = Field(description="What the column holds.")
    min: float | None = Field(None, description="The least number of the range.")
    max: float | None = Field(None, description="The greatest number of the range.")
    outside: float = Field(
        0.0, ge=0, le=1, description="Share of the rows that may lie out of the range."
    )
    values: tuple[str, ...] = Field((), description="The values of a categorical column.")
    missing: float = Field(0.0, ge=0, le=1, description="Share of the rows that may have no value.")

    @model_validator(mode="after")
    def _fits_its_type(self) -> Column:
        if self.type == "numeric" and self.values:
            raise ValueError("a numeric column has min and max in the place of values")
        if self.type == "categorical" and not self.values:
            raise ValueError("a categorical column needs its values")
        if self.type == "categorical" and (self.min is not None or self.max is not None):
            raise ValueError("a categorical column has values in the place of min and max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class ModelSchema(_Strict):
    """The schema of one model's table; `revision` counts how often it was inferred."""

    revision: int = Field(1, ge=1, description="How many times it was inferred.")
    rows: int = Field(0, ge=0, description="Rows of the table that it was inferred from.")
    columns: dict[str, Column] = Field(min_length=1, description="The columns by name.")

    def schema_of_table(self) -> Schema:
        """Give the schema as the checks take it."""
        columns = [ColumnSchema(name, **one.model_dump()) for name, one in self.columns.items()]
        return Schema(self.rows, tuple(columns))


class SchemaFile(_Strict):
    """The file: the schemas by model."""

    version: Literal[1] = Field(1, description="Version of this format.")
    models: dict[Name, ModelSchema] = Field(description="The schemas by model.")


def load_schemas(root: Path) -> Mapping[str, ModelSchema]:
    """The schemas of the project in folder `root`, none without a file; ConfigError with lines."""
    path = root / SCHEMA_FILE
    if not path.is_file():
        return {}
    found = read_as(SchemaFile, read_text(path, _HINT), SCHEMA_FILE, _HINT)
    return found.models


def revised(before: ModelSchema | None, now: Schema) -> ModelSchema:
    """The schema `now` in the place of one before: the same if nothing but rows changed."""
    columns = {each.name: _column(each) for each in now.columns}
    if before is None:
        return ModelSchema(rows=now.rows, columns=columns)
    if before.columns == columns:
        return before
    return ModelSchema(revision=before.revision + 1, rows=now.rows, columns=columns)


def _column(found: ColumnSchema) -> Column:
    numbers = {"min": found.min, "max": found.max, "outside": found.outside}
    said: dict[str, Any] = {"values": found.values} if found.type == "categorical" else numbers
    return Column(type=_TYPES[found.type], missing=found.missing, **said)


_TYPES: Mapping[str, Literal["numeric", "categorical"]] = {
    "numeric": "numeric",
    "categorical": "categorical",
}


def render(schemas: Mapping[str, ModelSchema]) -> str:
    """The file as text, the same bytes for the same schemas."""
    file = SchemaFile(models=dict(schemas))
    document = file.model_dump(mode="json", exclude_defaults=True)
    models = {
        name: {"revision": schemas[name].revision, **document["models"][name]}
        for name in sorted(schemas)
    }
    text: str = yaml.safe_dump(
        {"version": 1, "models": models},
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )
    return _HEAD + text


def write_schemas(root: Path, schemas: Mapping[str, ModelSchema]) -> Path:
    """Write the file of the project in folder `root`, whole or not at all; its path."""
    path = root / SCHEMA_FILE
    draft = path.with_name(f".{SCHEMA_FILE}.part")
    draft.write_text(render(schemas), encoding="utf-8")
    draft.replace(path)
    return path
