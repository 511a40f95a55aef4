"""The project file as types: what mltk.yaml may say, with its defaults.

The types judge; ``mltk.project.load`` reads the file and gives every complaint its line. The JSON
Schema that editors use is made from these types (``mltk config schema``).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

Name = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]
"""A DNS label of at most 40 characters: it becomes part of Kubernetes names."""

Fraction = Annotated[float, Field(gt=0, lt=1)]


class _Strict(BaseModel):
    # Numbers that are not finite could neither be compared nor written as JSON.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Data(_Strict):
    """Where the table of a model lies."""

    path: str = Field(description="CSV file, relative to mltk.yaml, tracked by DVC or by git.")
    delimiter: str = Field(",", min_length=1, max_length=1)

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or str(parts) in ("", ".", ".mltk"):
            raise ValueError("must be a path inside the project, relative to mltk.yaml")
        return str(parts)


class Numeric(_Strict):
    """A real-valued column."""

    name: str
    type: Literal["numeric"] = "numeric"
    unit: str = Field("", description="Unit of measure, shown to those who use the model.")
    min: float | None = Field(None, description="Smallest value that is not an error.")
    max: float | None = Field(None, description="Largest value that is not an error.")
    description: str = ""


class Categorical(_Strict):
    """A column with a closed vocabulary; the model takes the index of the value."""

    name: str
    type: Literal["categorical"]
    values: tuple[str, ...] = Field(min_length=2, description="The vocabulary, in order.")
    unit: str = ""
    description: str = ""

    @model_validator(mode="after")
    def _unique(self) -> Categorical:
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"values of feature '{self.name}' repeat")
        return self


def _feature_type(value: Any) -> str:
    """A feature without a type is numeric."""
    if isinstance(value, dict):
        return str(value.get("type", "numeric"))
    return str(getattr(value, "type", ""))


Feature = Annotated[
    Annotated[Numeric, Tag("numeric")] | Annotated[Categorical, Tag("categorical")],
    Discriminator(_feature_type),
]


class Target(_Strict):
    """The column to learn."""

    name: str
    unit: str = ""
    values: tuple[str, ...] | None = Field(
        None, description="Classes in order (classification); taken from the data when absent."
    )
    min: float | None = None
    max: float | None = None
    description: str = ""


class Split(_Strict):
    """Shares of the rows; what is left after validation and hold-out trains."""

    validation: Fraction = 0.15
    holdout: Fraction = 0.2

    @model_validator(mode="after")
    def _leaves_rows(self) -> Split:
        if self.validation + self.holdout >= 0.9:
            raise ValueError("validation + holdout must leave more than a tenth of the rows")
        return self


class Network(_Strict):
    """A fully connected network; preprocessing is added in front of it."""

    hidden: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = (32, 16)
    activation: Literal["relu", "elu", "selu", "gelu", "tanh", "sigmoid", "softplus", "silu"] = (
        "relu"
    )
    dropout: float = Field(0.0, ge=0, lt=1)
    l2: float = Field(0.0, ge=0, description="Weight decay of the hidden layers' kernels.")


class Training(_Strict):
    """How the network is fitted (Adam)."""

    epochs: int = Field(200, ge=1)
    batch_size: int = Field(32, ge=1)
    learning_rate: float = Field(0.003, ge=0)
    patience: int = Field(30, ge=0, description="Epochs without gain before stopping; 0 = never.")


class Threshold(_Strict):
    """Bounds of one hold-out metric, checked against its value."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class Gate(_Strict):
    """What a model must show before it is registered, and to become champion."""

    metrics: dict[str, Threshold] = Field(
        default_factory=dict, description="Bounds by metric name, e.g. rmse: {max: 60}."
    )
    baseline: Literal["none", "trivial", "linear"] = Field(
        "trivial",
        description="What to beat: nothing, the mean or majority, or also a linear model.",
    )
    min_improvement: float = Field(
        0.0, ge=0, description="By how much (in the primary metric) to beat the champion."
    )
    parity: float = Field(
        1e-4,
        gt=0,
        description="Largest error of the export against Keras, relative to the output's scale.",
    )
    max_size_kb: float | None = Field(None, gt=0, description="Budget of the bundle, kB.")


class Export(_Strict):
    """The TensorFlow.js bundle."""

    quantization: Literal["none", "float16", "uint16", "uint8"] = "none"
    backends: tuple[Literal["cpu", "wasm"], ...] = Field(("cpu", "wasm"), min_length=1)
    golden_rows: int = Field(8, ge=1, le=256, description="Rows kept in the bundle as self-test.")


class Deploy(_Strict):
    """Where a passing model goes; absent means that it stays in the registry."""

    folder: str = Field(description="Folder of the static site, relative to mltk.yaml.")


class Resources(_Strict):
    """What the training step asks of a cluster; on one machine it is only recorded."""

    cpu: str = "1"
    memory: str = "2Gi"


class Model(_Strict):
    """One model: what to learn, from what, and when it is good enough."""

    problem: str = Field(description="Kind of problem: regression, classification, ...")
    description: str = ""
    data: Data
    target: Target
    features: tuple[Feature, ...] = Field(min_length=1)
    split: Split = Split()
    network: Network = Network()
    training: Training = Training()
    gate: Gate = Gate()
    export: Export = Export()
    deploy: Deploy | None = None
    resources: Resources = Resources()
    seed: int = Field(0, ge=0, le=2**31 - 1)

    @model_validator(mode="after")
    def _columns(self) -> Model:
        names = [feature.name for feature in self.features]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"feature '{name}' is given twice")
        if self.target.name in names:
            raise ValueError(f"target '{self.target.name}' is also a feature")
        return self


class Tracking(_Strict):
    """The MLflow server; without a URI a SQLite file in .mltk/ serves."""

    uri: str | None = None
    experiment: str | None = Field(None, description="Defaults to the project's name.")


class Project(_Strict):
    """A project file: the models of one repository."""

    version: Literal[1] = 1
    project: Name
    tracking: Tracking = Tracking()
    models: dict[Name, Model] = Field(
        min_length=1,
        description="The models by name.",
        # The pattern of the names alone would let any other name through.
        json_schema_extra={"additionalProperties": False},
    )
