"""Classification: learn which of a closed list of classes a row belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.data.table import Rows
from mltk.problems import calibration, measures
from mltk.problems.base import OutputDescription, Problem
from mltk.problems.linear import Design, logistic
from mltk.problems.measures import Measure

if TYPE_CHECKING:
    from mltk.problems.network import Network
    from mltk.project.spec import Model

OUTPUT = "probabilities"


class Classification(Problem):
    """Cross entropy; `probabilities` [n, K] in the order of the classes, two or more."""

    name = "classification"
    target_kind = "label"

    def network(self, spec: Model, known: Rows) -> Network:
        """Build the network; training sees the scores before the softmax."""
        from mltk.problems import network
        from mltk.problems.backend import keras

        inputs, scores = network.scores(spec, known.features, len(known.classes))
        probabilities = keras.layers.Softmax(name=OUTPUT)(scores)
        return network.Network(
            model=keras.Model(inputs, {OUTPUT: probabilities}),
            scores=keras.Model(inputs, scores),
            loss=lambda scores, target: keras.ops.sparse_categorical_crossentropy(
                target, scores, from_logits=True
            ),
            encode=lambda target: target.astype(np.int32),
        )

    def outputs(self, spec: Model, classes: tuple[str, ...]) -> tuple[OutputDescription, ...]:
        """Describe the one output: a column for each class."""
        what = spec.target.description or spec.target.name
        return (OutputDescription(OUTPUT, f"probability of each class of {what}", "", classes),)

    def measures(self, outputs: Outputs) -> tuple[Measure, ...]:
        """Give log loss first.

        It judges the probabilities that a client gets, and it moves with every row, where accuracy
        on a small hold-out steps by whole rows and lets better and worse models tie.
        """
        common = (
            Measure("log_loss", False, "nat", measures.log_loss, measures.log_losses),
            Measure("accuracy", True, "", measures.accuracy, measures.hits),
            Measure("balanced_accuracy", True, "", measures.balanced_accuracy),
            Measure("macro_f1", True, "", measures.macro_f1),
            Measure("brier", False, "", calibration.brier, calibration.brier_scores),
            Measure("ece", False, "", calibration.ece),
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

    def plots(
        self, spec: Model, classes: tuple[str, ...], y_true: Array, outputs: Outputs
    ) -> dict[str, Any]:
        """Draw the confusion matrix, and how often rows of like confidence are right."""
        from mltk.problems.plots import confusion_matrix, reliability

        said = outputs[OUTPUT].argmax(axis=1)
        return {
            "confusion-matrix": confusion_matrix(y_true, said, classes, spec.target),
            "reliability": reliability(calibration.reliability(y_true, outputs)),
        }
