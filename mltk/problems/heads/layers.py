"""Layers of the heads, of operations that every backend of TensorFlow.js computes right."""

from __future__ import annotations

from typing import Any

import numpy as np

from mltk.problems.backend import keras

_SHORTEST = 1e-5
"""Least step from one quantile to the next, in deviations of the target."""


@keras.saving.register_keras_serializable("mltk")
class Stretch(keras.layers.Layer):  # type: ignore[misc]  # Keras publishes no types
    """Distances [n, K], each times its factor, but none less than the one before it.

    The factors are weights that no training moves; `times` settles them.
    """

    def __init__(self, factors: Any, **settings: Any) -> None:
        super().__init__(trainable=False, **settings)
        self.begin = [float(factor) for factor in factors]

    def build(self, _: Any) -> None:
        """Make the factors."""
        start = keras.initializers.Constant(np.array(self.begin, dtype=np.float32))
        self.factors = self.add_weight((len(self.begin),), start, trainable=False, name="factors")

    def times(self, factors: Any) -> None:
        """Multiply the factors by others."""
        (known,) = self.get_weights()
        self.set_weights([(known * np.array(factors)).astype(np.float32)])

    def call(self, distances: Any) -> Any:
        """Stretch, from the nearest to the farthest."""
        stretched = distances * self.factors
        if len(self.begin) == 1:
            return stretched
        columns = [stretched[:, :1]]
        for at in range(1, len(self.begin)):
            columns.append(keras.ops.maximum(stretched[:, at : at + 1], columns[-1]))
        return keras.ops.concatenate(columns, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Say how the layer is made again."""
        config = {**super().get_config(), "factors": self.begin}
        config.pop("trainable", None)
        return config


def away(scores: Any) -> Any:
    """Give distances [n, K] that rise, from scores of their steps."""
    steps = keras.ops.softplus(scores) + _SHORTEST
    count = steps.shape[1]
    if count == 1:
        return steps
    return keras.ops.matmul(steps, np.triu(np.ones((count, count), dtype=np.float32)))
