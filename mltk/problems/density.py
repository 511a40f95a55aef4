"""Density estimation: learn how likely rows are, to tell which ones are out of the ordinary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from mltk.data.arrays import Array, Floats, Outputs
from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.problems import gaussian, kde
from mltk.problems.base import OutputDescription, Problem, Settings
from mltk.problems.linear import moments
from mltk.problems.measures import Measure, mean_of_output
from mltk.records import Threshold

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model

OUTPUT = "log_density"


class DensitySettings(Settings):
    """What `settings` of a density may say."""

    estimator: Literal["flow", "mixture"] = Field(
        "mixture",
        description="flow: affine couplings of halves of the columns; mixture: a mixture of"
        " Gaussians for each column given those before it.",
    )
    couplings: int = Field(6, ge=2, le=32, description="Couplings of a flow.")
    components: int = Field(8, ge=1, le=64, description="Gaussians of a mixture, for each column.")
    quantile: float = Field(
        0.01, gt=0, lt=0.5, description="Share of the validation rows that count as anomalies."
    )


class Density(Problem):
    """Maximum likelihood; `log_density` [n, 1] in nat, by the units of the columns."""

    name = "density"
    target_kind = "rows"
    settings = DensitySettings
    feature_types = ("numeric",)
    baseline_names = ("trivial", "kde")

    def check(self, spec: Model) -> None:
        """Refuse what has no density, and a coupling of a single column."""
        super().check(spec)
        settings = DensitySettings.of(spec)
        if settings.estimator == "flow" and len(spec.features) < 2:
            raise ConfigError(
                "a flow couples columns, and the model has one feature",
                hint="set settings.estimator: mixture, or list more features",
            )

    def load_model(self, path: Path) -> Any:
        """Load a saved model, whose layers may be those of a mixture."""
        import mltk.problems.mixture  # noqa: F401 - Keras finds its layers then

        return super().load_model(path)

    def network(self, spec: Model, known: Rows) -> Network:
        """Build the flow or the mixture over the standardised columns."""
        from mltk.problems import flow, mixture, network
        from mltk.problems.backend import keras
        from mltk.problems.columns import columns

        settings = DensitySettings.of(spec)
        inputs, seen = columns(spec, known.features)
        if settings.estimator == "flow":
            standard = flow.log_density(spec, seen, settings.couplings)
        else:
            standard = mixture.log_density(spec, seen, settings.components)
        # A density per unit of the columns: standardising them stretched the space.
        stretch = float(np.log(moments(known.features)[1]).sum())
        likelihood = keras.layers.Rescaling(1.0, -stretch, name=OUTPUT)(standard)
        model = keras.Model(inputs, {OUTPUT: likelihood})
        return network.Network(
            model=model,
            scores=keras.Model(inputs, likelihood),
            loss=lambda scores, _: -scores[:, 0],
            encode=lambda target: target,
        )

    def outputs(self, spec: Model, classes: tuple[str, ...]) -> tuple[OutputDescription, ...]:  # noqa: ARG002
        """Describe the one output."""
        what = "natural logarithm of the probability density of the row, per unit of each feature"
        return (OutputDescription(OUTPUT, what, "nat"),)

    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give the log-likelihood first; bits per dimension say the same whatever the width."""
        return (
            Measure("log_likelihood", True, "nat", mean_of_output(OUTPUT), _log_densities),
            Measure("bits_per_dimension", False, "bit", _bits_per_dimension, _bits),
        )

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:  # noqa: ARG002
        """Fit a Gaussian with full covariance, and a kernel density with the best bandwidth."""
        return {
            "trivial": {OUTPUT: gaussian.fit(known.features).log_density(features)[:, None]},
            "kde": {OUTPUT: kde.log_density(known.features, features)[:, None]},
        }

    def plots(
        self,
        spec: Model,  # noqa: ARG002 - of the interface
        classes: tuple[str, ...],  # noqa: ARG002
        y_true: Array,  # noqa: ARG002
        outputs: Outputs,
    ) -> dict[str, Any]:
        """Draw how the log densities of the hold-out rows are spread."""
        from mltk.problems.plots import histogram

        figure = histogram(outputs[OUTPUT][:, 0], "log density (nat)")
        return {"log-density": figure}

    def thresholds(
        self,
        spec: Model,
        y_true: Array,  # noqa: ARG002 - of the interface
        outputs: Outputs,
    ) -> tuple[Threshold, ...]:
        """Give the log density below which a row is an anomaly."""
        quantile = DensitySettings.of(spec).quantile
        scores = outputs[OUTPUT][:, 0].astype(np.float64)
        value = float(np.quantile(scores, quantile))
        what = f"a row less likely than this is less likely than {1 - quantile:g} of what was seen"
        return (Threshold("anomaly", OUTPUT, value, "below", len(scores), quantile, what),)


def _log_densities(y_true: Array, outputs: Outputs) -> Floats:  # noqa: ARG001 - of the interface
    densities: Floats = outputs[OUTPUT][:, 0].astype(np.float64)
    return densities


def _bits_per_dimension(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    likelihood = mean_of_output(OUTPUT)(y_true, outputs, weights)
    bits: Floats = -likelihood / (y_true.shape[1] * np.log(2))
    return bits


def _bits(y_true: Array, outputs: Outputs) -> Floats:
    bits: Floats = -_log_densities(y_true, outputs) / (y_true.shape[1] * np.log(2))
    return bits
