"""Multi-label classification: learn of several columns of two values each which one a row has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from mltk.data.arrays import Array, Floats, Outputs
from mltk.data.table import LABEL_VALUES, Rows
from mltk.errors import ConfigError
from mltk.problems import calibration, labelling
from mltk.problems.base import OutputDescription, Problem, Settings
from mltk.problems.labelling import PROBABILITIES, THRESHOLDS
from mltk.problems.linear import Design, logistic
from mltk.problems.measures import Measure
from mltk.problems.targets import output_name
from mltk.records import Threshold

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model


class MultiLabelSettings(Settings):
    """What `settings` of a multi-label classification may say."""

    changes_loss: ClassVar = frozenset({"class_weights"})

    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: of each label both values together count as much."
    )
    calibrate: bool = Field(
        False, description="Whether to calibrate each probability on the validation rows."
    )
    threshold: Literal["none", "balanced_accuracy", "f1"] = Field(
        "f1", description="What the threshold of each label makes highest; none: 0.5."
    )


class MultiLabel(Problem):
    """Binary cross entropy; `probabilities` [n, L] of the second value of each label.

    `thresholds` [n, L], the same in every row, are those from which on to say it.
    """

    name = "multilabel"
    target_kind = "labels"
    settings = MultiLabelSettings
    several_targets = True

    def check(self, spec: Model) -> None:
        """Refuse a single label, more than two values, and labels of the same name."""
        super().check(spec)
        if not spec.targets:
            raise ConfigError(
                "multilabel learns several columns of two values, and the model has one target",
                hint="write `targets: [{name: A}, {name: B}]`, or problem: classification",
            )
        seen: dict[str, str] = {}
        for target in spec.targets:
            values = target.values
            if values is not None and not len(values) == len(set(values)) == LABEL_VALUES:
                raise ConfigError(
                    f"label '{target.name}' takes two values, and has {', '.join(values)}",
                    hint="write them as `values: [no, yes]`: the second is what is looked for",
                )
            name = output_name(target.name)
            if name in seen:
                raise ConfigError(
                    f"metrics of '{target.name}' would be called '{name}', as of '{seen[name]}'",
                    hint="rename that column in the table and in mltk.yaml",
                )
            seen[name] = target.name

    def load_model(self, path: Path) -> Any:
        """Load a saved model, with its layer of thresholds."""
        import mltk.problems.thresholds  # noqa: F401 - Keras finds its layer then

        return super().load_model(path)

    def network(self, spec: Model, known: Rows) -> Network:
        """Build the network; training sees the scores before the sigmoid."""
        from mltk.problems import network
        from mltk.problems.backend import keras
        from mltk.problems.thresholds import Thresholds

        settings, count = MultiLabelSettings.of(spec), len(spec.targets)
        inputs, scores = network.scores(spec, known.features, count)
        probabilities = keras.layers.Activation("sigmoid", name=PROBABILITIES)(scores)
        thresholds = Thresholds(count, name=THRESHOLDS)(probabilities)
        weights = _weights(known.target) if settings.class_weights == "balanced" else None
        model = keras.Model(inputs, {PROBABILITIES: probabilities, THRESHOLDS: thresholds})

        def loss(trained: Any, target: Any) -> Any:
            # The thresholds are not trained; they are here for their weights to be.
            scores = trained[:, :count]
            surprise = keras.ops.softplus(scores) - target * scores
            if weights is not None:
                surprise = surprise * (weights[0] + target * (weights[1] - weights[0]))
            return keras.ops.mean(surprise, axis=1)

        return network.Network(
            model=model,
            scores=keras.Model(inputs, keras.ops.concatenate([scores, thresholds], axis=1)),
            loss=loss,
            encode=lambda target: target.astype(np.float32),
            settle=_settler(model, settings, [target.name for target in spec.targets]),
        )

    def outputs(
        self,
        spec: Model,
        classes: tuple[str, ...],  # noqa: ARG002 - of the interface
    ) -> tuple[OutputDescription, ...]:
        """Describe a column for each label; `classes` is empty."""
        names = tuple(target.name for target in spec.targets)
        said = [
            f"{target.name} is {target.values[1]}" if target.values else target.name
            for target in spec.targets
        ]
        what = f"probability of each label: {', '.join(said)}"
        from_where = "from which probability on to say it, the same for every row"
        return (
            OutputDescription(PROBABILITIES, what, "", names),
            OutputDescription(THRESHOLDS, from_where, "", names),
        )

    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give log loss first, as of a classification; then what each label adds."""
        return labelling.measures([output_name(target.name) for target in spec.targets])

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Say the share of each label, and each by logistic regression."""
        design = Design.of(known.features, spec.features)
        seen, new = design.matrix(known.features), design.matrix(features)
        linear = [logistic(seen, label, 2, new)[:, 1] for label in known.target.T]
        shares = np.tile(known.target.mean(axis=0), (len(features), 1))
        return {"trivial": _said(shares), "linear": _said(np.stack(linear, axis=1))}

    def thresholds(self, spec: Model, y_true: Array, outputs: Outputs) -> tuple[Threshold, ...]:
        """Tell the thresholds that the training settled."""
        criterion = MultiLabelSettings.of(spec).threshold
        why = "" if criterion == "none" else f": best {criterion}"
        return tuple(
            Threshold(
                f"decision.{target.name}",
                PROBABILITIES,
                float(outputs[THRESHOLDS][0, index]),
                "above",
                len(y_true),
                description=f"say '{target.name}' from this probability of it on{why}",
            )
            for index, target in enumerate(spec.targets)
        )

    def plots(
        self,
        spec: Model,  # noqa: ARG002 - of the interface
        classes: tuple[str, ...],  # noqa: ARG002
        y_true: Array,
        outputs: Outputs,
    ) -> dict[str, Any]:
        """Draw how often labels of like confidence are right, all of them together."""
        from mltk.problems.plots import reliability

        return {"reliability": reliability(labelling.reliability_of_all(y_true, outputs))}


def _weights(target: Array) -> Floats:
    """Weights of both values of each label, float32 [2, L], by which each counts as much."""
    each = [calibration.balanced(label, LABEL_VALUES) for label in target.T]
    weights: Floats = np.stack(each, axis=1).astype(np.float32)
    return weights


def _said(probabilities: Floats) -> Outputs:
    return {PROBABILITIES: probabilities, THRESHOLDS: np.full_like(probabilities, 0.5)}


def _settler(
    model: Any, settings: MultiLabelSettings, names: list[str]
) -> Callable[[Array, Array], str]:
    """Make what calibrates the scores, within the weights that give them, and sets thresholds."""

    def settle(trained: Array, target: Array) -> str:
        scores, said = trained[:, : len(names)].astype(np.float64), [""] * len(names)
        if settings.calibrate:
            slopes, shifts = _platt(scores, target)
            layer = model.get_layer("scores")
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * slopes, bias * slopes + shifts])
            scores = scores * slopes + shifts
            each = zip(slopes, shifts, strict=True)
            said = [f"; scores times {slope:.4g} and {shift:+.4g}" for slope, shift in each]
        cuts = _thresholds(labelling.sigmoid(scores), target, settings)
        model.get_layer(THRESHOLDS).settle(cuts)
        told = zip(names, cuts, said, strict=True)
        return "\n".join(f"{name}: say it from {cut:.4g} on{more}" for name, cut, more in told)

    return settle


def _platt(scores: Array, target: Array) -> tuple[Floats, Floats]:
    """Give slopes and shifts [L] of scores [n, L]."""
    each = zip(scores.T, target.T, strict=True)
    slopes, shifts = np.array([calibration.platt(one, truth) for one, truth in each]).T
    return slopes, shifts


def _thresholds(chances: Array, target: Array, settings: MultiLabelSettings) -> list[float]:
    """Give from which probability [n, L] on to say each label."""
    criterion = settings.threshold
    if criterion == "none":
        return [0.5] * target.shape[1]
    each = zip(chances.T, target.T, strict=True)
    return [calibration.decision(chance, truth == 1, criterion) for chance, truth in each]
