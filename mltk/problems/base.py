"""What every kind of problem can do. The steps know kinds of problem by this interface only.

A kind is a class named in the entry point group `mltk.problems`; a package of yours can add one.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from mltk.data.arrays import Array, Floats, Outputs
from mltk.data.findings import Finding
from mltk.data.table import Rows, Table, TargetKind
from mltk.errors import ConfigError
from mltk.problems import bootstrap
from mltk.problems.measures import Measure
from mltk.records import Metric, Threshold
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.gating import Gate
    from mltk.project.spec import Model

FEATURES = "features"
"""The input that takes the columns of the table; a model may have others, or not this one."""


@dataclasses.dataclass(frozen=True)
class OutputDescription:
    """What one output of the model means; `labels` name its columns, when they are classes."""

    name: str
    description: str
    unit: str
    labels: tuple[str, ...] = ()


class Settings(BaseModel):
    """What `settings` of a model in mltk.yaml may say, for one kind; this one takes nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    changes_loss: ClassVar[frozenset[str]] = frozenset()
    """Names of those that change what the loss means: no search compares models by it then."""

    @classmethod
    def of(cls, spec: Model) -> Self:
        """Read the settings of a model; pydantic's ValidationError for what they may not say."""
        return cls.model_validate(spec.settings)


class Problem(abc.ABC):
    """A kind of problem. Without state: what a method needs, it is given.

    Targets are as `mltk.data.table` encodes them: float64 [n] for `numeric`, int64 [n] indices of
    the classes for `label`; of T `targets` they are [n, T]. A kind that learns the `rows` has no
    target: its place is taken by the features themselves, float32 [n, F]. Outputs are by name,
    [n, ...], from Keras or TensorFlow.js alike. Predictions of the hold-out rows are judged;
    nothing else may see those rows.
    """

    name: ClassVar[str]
    target_kind: ClassVar[TargetKind]
    settings: ClassVar[type[Settings]] = Settings
    several_targets: ClassVar[bool] = False
    """Whether it can learn the columns of `targets` at once."""
    feature_types: ClassVar[tuple[str, ...]] = (
        "numeric",
        "categorical",
        "datetime",
        "text",
        "image",
        "sequence",
    )
    """Types of features that it can learn from."""
    baseline_names: ClassVar[tuple[str, ...]] = ("trivial", "linear")
    """What `baselines` gives; the first is the least that a model has to beat."""
    gate: ClassVar[Mapping[str, Any]] = {}
    """What the gate asks for where mltk.yaml does not say: keys of `gate` with their values."""
    drawn: ClassVar[Mapping[str, str]] = {}
    """Inputs of the model beside the features, and what a number in them is."""

    @abc.abstractmethod
    def network(self, spec: Model, known: Rows) -> Network:
        """Build the untrained network for training rows (imports TensorFlow)."""

    @abc.abstractmethod
    def outputs(self, spec: Model, classes: tuple[str, ...]) -> tuple[OutputDescription, ...]:
        """Say what the model's outputs mean."""

    @abc.abstractmethod
    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:
        """Give the metrics that apply to such outputs of a model, the primary one first."""

    @abc.abstractmethod
    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Give what simpler models, by `baseline_names`, say about new rows [m, F]."""

    @abc.abstractmethod
    def plots(
        self, spec: Model, classes: tuple[str, ...], y_true: Array, outputs: Outputs
    ) -> dict[str, Any]:
        """Draw predictions against truth: matplotlib figures by file stem."""

    def check(self, spec: Model) -> None:
        """Raise ConfigError for a model that this kind of problem cannot learn.

        Pydantic's ValidationError for settings that it does not have.
        """
        self.settings.of(spec)
        asked = spec.gate.baseline
        if asked not in ("none", *self.baseline_names):
            known = ("none", *self.baseline_names)
            raise ConfigError(
                f"{self.name} has no baseline '{asked}'{did_you_mean(asked, known)}",
                hint=f"gate.baseline may be {', '.join(known)}",
            )
        if self.target_kind == "rows" and spec.all_targets:
            raise ConfigError(
                f"{self.name} learns from the features alone, and takes no target",
                hint="remove `target`, or list its column among the features to learn it too",
            )
        if self.target_kind != "rows" and not (self.several_targets and spec.targets):
            _ = spec.learnt
        for feature in spec.features:
            if feature.type not in self.feature_types:
                raise ConfigError(
                    f"{self.name} takes {' and '.join(self.feature_types)} features, "
                    f"and '{feature.name}' is {feature.type}",
                    hint=f"remove feature '{feature.name}' from mltk.yaml",
                )
            if self.target_kind == "rows" and feature.missing != "error":
                raise ConfigError(
                    f"{self.name} learns the rows themselves, so none of '{feature.name}' may be"
                    " missing",
                    hint=f"drop the rows without '{feature.name}', or fill them in the table, and"
                    f" remove `missing: {feature.missing}`",
                )

    def load_model(self, path: Path) -> Any:
        """Load a saved model; a kind with layers of its own imports their module before."""
        from mltk.problems import backend

        return backend.load_model(path)

    def inputs(
        self, widths: Mapping[str, int], features: Array, *, seed: int = 0
    ) -> dict[str, Array]:
        """Give what a model with inputs of such `widths` is asked about rows [n, F].

        What is not `features` is standard normal noise, of which the same seed gives the same.
        """
        random = np.random.default_rng(seed)
        drawn = {
            name: random.standard_normal((len(features), width), dtype=np.float32)
            for name, width in sorted(widths.items())
            if name != FEATURES
        }
        return {name: features if name == FEATURES else drawn[name] for name in widths}

    def thresholds(
        self,
        spec: Model,  # noqa: ARG002 - for the kinds that have some
        y_true: Array,  # noqa: ARG002
        outputs: Outputs,  # noqa: ARG002
    ) -> tuple[Threshold, ...]:
        """Settle on the validation rows what values of an output call for a decision."""
        return ()

    def asked(self, gate: Gate) -> Gate:
        """Complete what mltk.yaml asks of the gate by what this kind asks for."""
        stated = type(gate).model_validate(dict(self.gate))
        unsaid = {key: getattr(stated, key) for key in {*self.gate} - gate.model_fields_set}
        return gate.model_copy(update=unsaid)

    def examine(
        self,
        spec: Model,  # noqa: ARG002 - for the kinds that ask more of a target than a number
        table: Table,  # noqa: ARG002
    ) -> list[Finding]:
        """Find what makes a table unfit for this kind, of what only the kind knows."""
        return []

    def values(self, spec: Model, y_true: Array, outputs: Outputs) -> dict[str, float]:
        """Give the metrics by name, the primary one first."""
        return {m.name: m.value(y_true, outputs) for m in self.measures(spec, outputs)}

    def metrics(self, spec: Model, y_true: Array, outputs: Outputs) -> tuple[Metric, ...]:
        """Give the metrics with their 95 % intervals, the primary one first."""
        measures = self.measures(spec, outputs)
        statistics = [_over(measure, y_true, outputs) for measure in measures]
        bounds = bootstrap.intervals(statistics, len(y_true), seed=spec.seed)
        target_unit = spec.target.unit if spec.target else ""
        return tuple(
            Metric(
                name=measure.name,
                value=measure.value(y_true, outputs),
                low=low,
                high=high,
                unit=target_unit if measure.unit is None else measure.unit,
                greater_is_better=measure.greater_is_better,
            )
            for measure, (low, high) in zip(measures, bounds, strict=True)
        )


def _over(measure: Measure, y_true: Array, outputs: Outputs) -> Callable[[Floats], Floats]:
    return lambda weights: measure.compute(y_true, outputs, weights)
