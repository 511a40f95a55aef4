"""Classification: learn which of a closed list of classes a row belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from mltk.data.arrays import Array, Outputs
from mltk.data.table import Rows
from mltk.errors import ConfigError
from mltk.problems import calibration, measures, reliability
from mltk.problems.base import OutputDescription, Problem, Settings
from mltk.problems.linear import Design, logistic
from mltk.problems.measures import Measure
from mltk.records import Threshold

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model

OUTPUT = "probabilities"


class ClassificationSettings(Settings):
    """What `settings` of a classification may say."""

    changes_loss: ClassVar = frozenset({"class_weights"})

    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: the rows of each class together count as much in training."
    )
    temperature: bool = Field(
        False, description="Whether to calibrate the probabilities on the validation rows."
    )
    threshold: Literal["none", "balanced_accuracy", "f1"] = Field(
        "none", description="What the threshold between two classes is to make highest."
    )


class Classification(Problem):
    """Cross entropy; `probabilities` [n, K] in the order of the classes, two or more."""

    name = "classification"
    target_kind = "label"
    settings = ClassificationSettings

    def check(self, spec: Model) -> None:
        """Refuse several targets."""
        if spec.targets:
            raise ConfigError(
                f"classification learns one target, and the model lists {len(spec.targets)}",
                hint="write `target: {name: COLUMN}`; problem: multilabel learns several columns"
                " of two values each",
            )
        super().check(spec)

    def network(self, spec: Model, known: Rows) -> Network:
        """Build the network; training sees the scores before the softmax."""
        from mltk.problems import network
        from mltk.problems.backend import keras

        settings, count = ClassificationSettings.of(spec), len(known.classes)
        inputs, scores = network.scores(spec, known.features, count)
        probabilities = keras.layers.Softmax(name=OUTPUT)(scores)
        weights = calibration.balanced(known.target, count).astype(np.float32)

        def loss(scores: Any, target: Any) -> Any:
            surprise = keras.ops.sparse_categorical_crossentropy(target, scores, from_logits=True)
            if settings.class_weights == "none":
                return surprise
            return surprise * keras.ops.take(weights, target)

        model = keras.Model(inputs, {OUTPUT: probabilities})
        return network.Network(
            model=model,
            scores=keras.Model(inputs, scores),
            loss=loss,
            encode=lambda target: target.astype(np.int32),
            settle=_calibrator(model) if settings.temperature else None,
        )

    def outputs(self, spec: Model, classes: tuple[str, ...]) -> tuple[OutputDescription, ...]:
        """Describe the one output: a column for each class."""
        what = spec.learnt.description or spec.learnt.name
        return (OutputDescription(OUTPUT, f"probability of each class of {what}", "", classes),)

    def measures(self, spec: Model, outputs: Outputs) -> tuple[Measure, ...]:  # noqa: ARG002 - of the interface
        """Give log loss first.

        It judges the probabilities that a client gets, and it moves with every row, where accuracy
        on a small hold-out steps by whole rows and lets better and worse models tie.
        """
        common = (
            Measure("log_loss", False, "nat", measures.log_loss, measures.log_losses),
            Measure("accuracy", True, "", measures.accuracy, measures.hits),
            Measure("balanced_accuracy", True, "", measures.balanced_accuracy),
            Measure("macro_f1", True, "", measures.macro_f1),
            Measure("brier", False, "", reliability.brier, reliability.brier_scores),
            Measure("ece", False, "", reliability.ece),
        )
        two_classes = outputs[OUTPUT].shape[1] == 2
        return (*common, Measure("auc", True, "", measures.auc)) if two_classes else common

    def baselines(self, spec: Model, known: Rows, features: Array) -> dict[str, Outputs]:
        """Predict the classes' shares (so the majority), and by logistic regression."""
        count = len(known.classes)
        shares = np.bincount(known.target, minlength=count) / len(known.target)
        design = Design.of(known.features, spec.features)
        linear = logistic(
            design.matrix(known.features), known.target, count, design.matrix(features)
        )
        trivial = np.tile(shares, (len(features), 1))
        return {"trivial": {OUTPUT: trivial}, "linear": {OUTPUT: linear}}

    def thresholds(self, spec: Model, y_true: Array, outputs: Outputs) -> tuple[Threshold, ...]:
        """Give the probability of the second of two classes from which on to say it."""
        criterion = ClassificationSettings.of(spec).threshold
        probabilities = outputs[OUTPUT]
        if criterion == "none" or probabilities.shape[1] != 2:
            return ()
        value = calibration.decision(probabilities[:, 1], y_true == 1, criterion)
        what = f"say the second class from this probability of it on: best {criterion}"
        return (Threshold("decision", OUTPUT, value, "above", len(y_true), description=what),)

    def plots(
        self, spec: Model, classes: tuple[str, ...], y_true: Array, outputs: Outputs
    ) -> dict[str, Any]:
        """Draw the confusion matrix, and how often rows of like confidence are right."""
        from mltk.problems.plots import confusion_matrix
        from mltk.problems.plots import reliability as reliability_plot

        said = outputs[OUTPUT].argmax(axis=1)
        return {
            "confusion-matrix": confusion_matrix(y_true, said, classes, spec.learnt),
            "reliability": reliability_plot(reliability.reliability(y_true, outputs)),
        }


def _calibrator(model: Any) -> Callable[[Array, Array], str]:
    """Make what calibrates a model: the scores are divided within the weights that give them."""

    def calibrate(scores: Array, classes: Array) -> str:
        temperature = calibration.temperature(scores, classes)
        layer = model.get_layer("scores")
        layer.set_weights([weights / temperature for weights in layer.get_weights()])
        return f"temperature {temperature:.4g}"

    return calibrate
