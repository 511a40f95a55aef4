"""Dimensionality reduction: learn a short code of rows, from which they can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from mltk.data.arrays import Array, Floats, Outputs
from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.problems import neighbours
from mltk.problems.base import FEATURES, OutputDescription, Problem, Settings
from mltk.problems.measures import Measure
from mltk.problems.pca import components
from mltk.problems.ports import CODE, CODES, DECODED, RECONSTRUCTION

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model


class ReductionSettings(Settings):
    """What `settings` of a reduction may say."""

    width: int = Field(2, ge=1, le=1024, description="Numbers of the code.")
    method: Literal["autoencoder", "pca"] = Field(
        "autoencoder",
        description="pca: principal components; autoencoder: these, and what a network adds.",
    )


class Reduction(Problem):
    """Least squares on standardised columns.

    `code` [n, W] and `reconstruction` [n, F] follow from `features`, `decoded` [m, F] from `codes`
    [m, W]: so one graph is encoder and decoder, each usable alone.
    """

    name = "reduction"
    target_kind = "rows"
    settings = ReductionSettings
    feature_types = ("numeric",)
    baseline_names = ("trivial", "pca")
    drawn: ClassVar = {CODES: "a number of a code to decode; those of rows vary by 1 about 0"}

    def check(self, spec: Model) -> None:
        """Refuse a code that is no shorter than the row."""
        super().check(spec)
        width, features = ReductionSettings.of(spec).width, len(spec.features)
        if width >= features:
            raise ConfigError(
                f"a code of {width} numbers for {features} features reduces nothing",
                hint=f"set settings.width to less than {features}",
            )

    def network(self, spec: Model, known: Rows) -> Network:
        """Build encoder and decoder; both begin as the principal components."""
        from mltk.problems import autoencoder

        settings = ReductionSettings.of(spec)
        found = components(known.features, settings.width)
        return autoencoder.network(spec, known, found, linear=settings.method == "pca")

    def outputs(self, spec: Model, classes: tuple[str, ...]) -> tuple[OutputDescription, ...]:  # noqa: ARG002
        """Describe the code, and the rows that are made from one."""
        names = tuple(feature.name for feature in spec.features)
        return (
            OutputDescription(CODE, f"code of the row in `{FEATURES}`", ""),
            OutputDescription(RECONSTRUCTION, "the row as its code tells it", "", names),
            OutputDescription(DECODED, f"the row that the code in `{CODES}` tells", "", names),
        )

    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give the reconstruction error first: it is what the training minimises."""
        return (
            Measure("reconstruction_error", False, "", reconstruction_error, unexplained),
            Measure("trustworthiness", True, "", trustworthiness, of_neighbours=True),
            Measure("continuity", True, "", continuity, of_neighbours=True),
        )

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Say the mean of every row, and reduce by principal components to the same width."""
        found = components(known.features, ReductionSettings.of(spec).width)
        code = found.code(features)
        mean = np.tile(found.mean, (len(features), 1))
        return {
            "trivial": {CODE: np.zeros_like(code), RECONSTRUCTION: mean},
            "pca": {CODE: code, RECONSTRUCTION: found.rows(code)},
        }

    def plots(
        self,
        spec: Model,  # noqa: ARG002 - of the interface
        classes: tuple[str, ...],  # noqa: ARG002
        y_true: Array,  # noqa: ARG002
        outputs: Outputs,
    ) -> dict[str, Any]:
        """Draw the hold-out rows by the first two numbers of their codes."""
        from mltk.problems.plots import scatter

        code = outputs[CODE]
        if code.shape[1] < 2:
            return {}
        return {"code": scatter({"rows": code[:, :2]}, "code 1", "code 2")}


def reconstruction_error(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """Share of the variance of a column that is not reconstructed, mean over the columns.

    Variances are those of the rows at hand; a column that does not vary among them does not count.
    """
    error: Floats = weights @ unexplained(y_true, outputs) / weights.sum(axis=1)
    return error


def unexplained(y_true: Array, outputs: Outputs) -> Floats:
    """What each row adds to `reconstruction_error`."""
    wide = y_true.astype(np.float64)
    variances = wide.var(axis=0)
    varies = variances > 1e-12 * (wide**2).mean(axis=0)
    if not varies.any():
        return np.full(len(wide), np.nan)
    squares = (outputs[RECONSTRUCTION].astype(np.float64) - wide) ** 2
    each: Floats = (squares[:, varies] / variances[varies]).mean(axis=1)
    return each


def trustworthiness(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """How far neighbours by their code are neighbours as rows; 1 is best."""
    return _kept(outputs[CODE], _standard(y_true), weights)


def continuity(y_true: Array, outputs: Outputs, weights: Floats) -> Floats:
    """How far neighbours as rows are neighbours by their code; 1 is best."""
    return _kept(_standard(y_true), outputs[CODE], weights)


def _kept(places: Array, judged_by: Array, weights: Floats) -> Floats:
    most = neighbours.MOST_ROWS
    scores, counted = neighbours.kept(places[:most], judged_by[:most]), weights[:, :most]
    share: Floats = counted @ scores / counted.sum(axis=1)
    return share


def _standard(rows: Array) -> Floats:
    wide = rows.astype(np.float64)
    deviation = wide.std(axis=0)
    standard: Floats = (wide - wide.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return standard
