"""The project file as types: what mltk.yaml may say, with its defaults.

The types judge; ``mltk.project.load`` reads the file and gives every complaint its line. The JSON
Schema that editors use is made from these types (``mltk config schema``).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mltk.errors import ConfigError
from mltk.project.arriving import Arrival, Period
from mltk.project.checking import Checks
from mltk.project.features import Categorical, Feature, Numeric
from mltk.project.gating import Gate, refuse_unknown
from mltk.project.placement import Cluster, Resources
from mltk.project.searching import Search
from mltk.project.windowing import Windows

__all__ = ["Categorical", "Feature", "Model", "Numeric", "Project", "Target"]

Name = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]
"""A DNS label of at most 40 characters: it becomes part of Kubernetes names."""

Fraction = Annotated[float, Field(gt=0, lt=1)]


Activation = Literal["relu", "elu", "selu", "gelu", "tanh", "sigmoid", "softplus", "silu"]


class _Strict(BaseModel):
    # Numbers that are not finite could neither be compared nor written as JSON.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Data(_Strict):
    """Where the table of a model lies."""

    path: str = Field(description="CSV file, relative to mltk.yaml, tracked by DVC or by git.")
    delimiter: str = Field(
        ",", min_length=1, max_length=1, description="What separates the columns."
    )

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or str(parts) in ("", ".", ".mltk"):
            raise ValueError("must be a path inside the project, relative to mltk.yaml")
        return str(parts)


class Target(_Strict):
    """The column to learn."""

    name: str = Field(description="Column of the table.")
    unit: str = Field("", description="Unit of measure, of the predictions too.")
    values: tuple[str, ...] | None = Field(
        None, description="Classes in order (classification); taken from the data when absent."
    )
    min: float | None = Field(None, description="Smallest value that is not an error.")
    max: float | None = Field(None, description="Largest value that is not an error.")
    description: str = Field("", description="What it means, for those who use the model.")


class Split(_Strict):
    """Shares of the rows; what is left after validation and hold-out trains.

    Rows are drawn at random, in whole groups, or in the order of their times.
    """

    validation: Fraction = Field(0.15, description="Share that tells when to stop training.")
    holdout: Fraction = Field(0.2, description="Share that judges the model, never trained on.")
    group: str | None = Field(
        None, description="Column of groups, as patients: rows of the same group stay together."
    )
    time: str | None = Field(
        None, description="Column of times (ISO 8601, or numbers): the latest rows judge."
    )

    @model_validator(mode="after")
    def _leaves_rows(self) -> Split:
        if self.validation + self.holdout >= 0.9:
            raise ValueError("validation + holdout must leave more than a tenth of the rows")
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        if self.group and self.time:
            raise ValueError("split by group or by time, one of them")
        return self


class Network(_Strict):
    """A fully connected network; preprocessing is added in front of it."""

    hidden: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
        (32, 16), description="Units of each hidden layer; an empty list is a linear model."
    )
    activation: Activation = Field("relu", description="Activation of the hidden layers.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of units dropped in training.")
    l2: float = Field(0.0, ge=0, description="Weight decay of the hidden layers' kernels.")


class Training(_Strict):
    """How the network is fitted (Adam)."""

    epochs: int = Field(200, ge=1, description="Passes over the training rows, at most.")
    batch_size: int = Field(32, ge=1, description="Rows per step.")
    learning_rate: float = Field(0.003, ge=0, description="Step size of Adam.")
    patience: int = Field(30, ge=0, description="Epochs without gain before stopping; 0 = never.")
    start: Literal["fresh", "champion"] = Field(
        "fresh", description="From new weights, or from those of the champion where they fit."
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32",
        description="What the hidden layers compute in; the weights and the export are float32.",
    )
    threads: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        1,
        description="Threads of the processor; all = as many as the container may use. One gives "
        "the same weights everywhere.",
    )
    devices: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        1, description="GPUs or TPU cores to share each batch, where there are any; all = each."
    )


class Export(_Strict):
    """The TensorFlow.js bundle."""

    quantization: Literal["none", "float16", "uint16", "uint8", "auto"] = Field(
        "none",
        description="Storage of the weights; auto takes the smallest that keeps the tolerance.",
    )
    tolerance: float | None = Field(
        None,
        gt=0,
        description="What quantization may cost, relative to the output's scale; absent: what "
        "gate.parity allows.",
    )
    backends: tuple[
        Literal["cpu", "wasm", "webgl", "webgpu", "browser-cpu", "browser-wasm"], ...
    ] = Field(
        ("cpu", "wasm"),
        min_length=1,
        description="TensorFlow.js backends to prove it on: cpu and wasm run in Node.js, the "
        "others in a headless Chromium.",
    )
    golden_rows: int = Field(8, ge=1, le=256, description="Rows kept in the bundle as self-test.")


class Deploy(_Strict):
    """Where a passing model goes; absent means that it stays in the registry."""

    folder: str = Field(description="Folder of the static site, relative to mltk.yaml.")


class Matrix(BaseModel):
    """Lists of values by name; the model stands for one model for each combination of them."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, list[Any]] = Field(init=False)

    exclude: tuple[dict[str, Any], ...] = Field(
        (), description="Combinations to leave out: all that agree with an entry."
    )
    include: tuple[dict[str, Any], ...] = Field(
        (),
        description="Values to add to all combinations whose own they do not change; an entry "
        "that fits none is one more combination.",
    )


class Model(_Strict):
    """One model: what to learn, from what, and when it is good enough."""

    problem: str = Field(description="Kind of problem: regression, classification, ...")
    description: str = Field("", description="What it means, for those who use the model.")
    data: Data = Field(description="Where the table lies.")
    arrival: Arrival | None = Field(
        None, description="Data that arrive, and become versions of the table."
    )
    target: Target | None = Field(
        None, description="What to learn; absent for a kind that learns the rows themselves."
    )
    targets: tuple[Target, ...] = Field(
        (), description="Several columns to learn at once, in place of `target`."
    )
    features: tuple[Feature, ...] = Field(
        min_length=1, description="The columns to learn from, in the order the model takes them."
    )
    split: Split = Field(Split(), description="Shares of the rows.")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings of the kind of problem (docs/problem-kinds.md).",
    )
    network: Network = Field(Network(), description="The network.")
    training: Training = Field(Training(), description="How it is fitted.")
    search: Search | None = Field(
        None, description="Trials with other parameters, by `mltk search`; absent: none."
    )
    checks: Checks = Field(Checks(), description="What to do about data that are not as they were.")
    gate: Gate = Field(Gate(), description="What it must show.")
    export: Export = Field(Export(), description="How it is exported.")
    deploy: Deploy | None = Field(None, description="Where it goes; absent: the registry only.")
    resources: Resources = Field(
        default_factory=Resources, description="What training asks of a cluster."
    )
    windows: Windows | None = Field(
        None, description="Time windows to train on; absent: on the whole table."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of the split and the training.")
    paths: tuple[str, ...] = Field(
        (), description="Other files, by pattern, a push of which asks for the model, too."
    )
    matrix: Matrix | None = Field(
        None,
        description="One model for each combination of values, which stand in the others as "
        "`$(matrix.NAME)`.",
    )

    @model_validator(mode="after")
    def _columns(self) -> Model:
        names = [feature.name for feature in self.features]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"feature '{name}' is given twice")
        sources = {source for feature in self.features for source in feature.sources}
        aims = [target.name for target in self.all_targets]
        if self.target and self.targets:
            raise ValueError("give target, or targets for several; not both")
        for name in aims:
            if name in sources:
                raise ValueError(f"target '{name}' is also a feature")
            if aims.count(name) > 1:
                raise ValueError(f"target '{name}' is given twice")
        return self

    @model_validator(mode="after")
    def _slices(self) -> Model:
        columns: dict[str, tuple[str, ...] | None] = {
            each.name: each.values if isinstance(each, Categorical) else None
            for each in self.features
            if isinstance(each, Categorical | Numeric)
        }
        others = {each.name for each in self.features} - {*columns}
        for index, each in enumerate(self.gate.slices):
            for name in sorted(others & {*each.where, each.by}):
                raise ValueError(
                    f"gate.slices[{index}]: a slice is by a numeric or a categorical column, and"
                    f" '{name}' is neither"
                )
        for target in self.all_targets:
            # Whether it holds numbers or unlisted classes, only the kind of problem knows.
            columns[target.name] = target.values or ()
        refuse_unknown(self.gate.slices, columns)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the model needs, the targets last if it has some."""
        names = dict.fromkeys(name for feature in self.features for name in feature.sources)
        aims = [target.name for target in self.all_targets]
        split = [each for each in (self.split.group, self.split.time) if each]
        return (*names, *(each for each in split if each not in (*names, *aims)), *aims)

    @property
    def all_targets(self) -> tuple[Target, ...]:
        """The target, or the targets in their order; none for a kind that learns the rows."""
        return (self.target,) if self.target else self.targets

    @property
    def learnt(self) -> Target:
        """The target, for a kind that learns one; ConfigError for a model without, or with more."""
        if self.targets:
            raise ConfigError(
                f"{self.problem} learns one target, and the model lists {len(self.targets)}",
                hint="write `target: {name: COLUMN}`, or a model for each",
            )
        if self.target is None:
            raise ConfigError(
                f"{self.problem} needs a target, and the model has none",
                hint="add `target: {name: COLUMN}` to the model in mltk.yaml",
            )
        return self.target


class Tracking(_Strict):
    """The MLflow server; without a URI a SQLite file in .mltk/ serves."""

    uri: str | None = Field(None, description="MLflow tracking URI.")
    experiment: str | None = Field(None, description="Defaults to the project's name.")


class Limits(_Strict):
    """How many runs go on at once; the others wait for their turn (docs/queue.md)."""

    model: int | None = Field(
        None, ge=1, le=9999, description="Runs of one model at once; absent: any number."
    )
    project: int | None = Field(
        None, ge=1, le=9999, description="Runs of the project at once; absent: any number."
    )
    newest_wins: bool = Field(
        False, description="Whether a new run cancels the older ones of its model that still wait."
    )
    quiet_period: Period | None = Field(
        None, description="How long no newer run of the model must have come, e.g. 30s."
    )
    longest_wait: Period | None = Field(
        None,
        description="How long newer runs may put it off, e.g. 10m; ten quiet periods unless given.",
    )

    @model_validator(mode="after")
    def _means_something(self) -> Limits:
        if self.longest_wait and not self.quiet_period:
            raise ValueError("longest_wait needs a quiet_period")
        if not (self.model or self.project or self.newest_wins or self.quiet_period):
            raise ValueError("give model, project, newest_wins or quiet_period")
        return self


class Project(_Strict):
    """A project file: the models of one repository."""

    version: Literal[1] = Field(1, description="Version of this format.")
    project: Name = Field(description="Name of the project; the MLflow experiment's too.")
    tracking: Tracking = Field(Tracking(), description="The MLflow server.")
    cluster: Cluster = Field(default_factory=Cluster, description="The cluster to run on.")
    limits: Limits | None = Field(
        None, description="How many runs go on at once; absent: all that are made."
    )
    models: dict[Name, Model] = Field(
        min_length=1,
        description="The models by name.",
        # The pattern of the names alone would let any other name through.
        json_schema_extra={"additionalProperties": False},
    )
