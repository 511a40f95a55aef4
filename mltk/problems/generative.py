"""Generation: learn to draw rows that could have been in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mltk.data.arrays import Array, Outputs
from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.problems import gaussian, twosample
from mltk.problems.base import OutputDescription, Problem, Settings
from mltk.problems.measures import Measure
from mltk.problems.ports import NOISE, SAMPLE

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model


class GenerativeSettings(Settings):
    """What `settings` of a generative model may say."""

    changes_loss: ClassVar = frozenset({"generator", "kl_weight"})

    generator: Literal["vae", "diffusion"] = Field(
        "vae", description="A variational autoencoder, or a diffusion model."
    )
    latent: int = Field(8, ge=1, le=256, description="Numbers of the hidden code of a row (vae).")
    kl_weight: float = Field(
        1.0,
        gt=0,
        le=10,
        description="Weight of the code's divergence from noise in the loss (vae).",
    )
    steps: int = Field(
        20, ge=1, le=200, description="Steps from noise to a row (diffusion); more draw better."
    )


class Generative(Problem):
    """`sample` [n, F] is made from the noise of a client.

    That is [n, L + F] for a variational autoencoder (D. Kingma and M. Welling, Auto-Encoding
    Variational Bayes, 2014), [n, F] for a diffusion model.
    """

    name = "generative"
    target_kind = "rows"
    settings = GenerativeSettings
    feature_types = ("numeric",)
    baseline_names = ("trivial", "gaussian")
    drawn: ClassVar = {NOISE: "a standard normal number, drawn anew for each sample"}

    def check(self, spec: Model) -> None:
        """Refuse slices: what is drawn from noise belongs to no rows in particular."""
        super().check(spec)
        if spec.gate.slices:
            raise ConfigError(
                "a model that draws rows is judged on all rows together, not on slices of them",
                hint="remove `slices` from the gate",
            )

    def network(self, spec: Model, known: Rows) -> Network:
        """Build what is trained on rows, and what is exported, which draws from noise."""
        from mltk.problems import diffusion, variational

        settings = GenerativeSettings.of(spec)
        if settings.generator == "diffusion":
            return diffusion.network(spec, known, settings.steps)
        return variational.network(spec, known, settings.latent, settings.kl_weight)

    def outputs(self, spec: Model, classes: tuple[str, ...]) -> tuple[OutputDescription, ...]:  # noqa: ARG002
        """Describe the one output: a column for each feature."""
        names = tuple(feature.name for feature in spec.features)
        return (
            OutputDescription(SAMPLE, "a row as those of the table, made from noise", "", names),
        )

    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give the discrepancy first; it moves with every row, where the accuracy steps."""
        return (
            Measure("mmd2", False, "", twosample.discrepancy),
            Measure("told_apart", False, "", twosample.told_apart, of_neighbours=True),
        )

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Draw from Gaussians: of each column by itself, and with the full covariance."""
        count = len(features)
        alone = gaussian.fit(known.features, independent=True)
        tied = gaussian.fit(known.features)
        return {
            "trivial": {SAMPLE: alone.sample(count, spec.seed)},
            "gaussian": {SAMPLE: tied.sample(count, spec.seed)},
        }

    def plots(
        self,
        spec: Model,  # noqa: ARG002 - of the interface
        classes: tuple[str, ...],  # noqa: ARG002
        y_true: Array,
        outputs: Outputs,
    ) -> dict[str, Any]:
        """Draw hold-out rows and samples by the first two principal components of the rows."""
        from mltk.problems.pca import components
        from mltk.problems.plots import scatter

        if y_true.shape[1] < 2:
            return {}
        found = components(y_true, 2)
        clouds = {"hold-out": found.code(y_true), "samples": found.code(outputs[SAMPLE])}
        return {"samples": scatter(clouds, "component 1", "component 2")}
