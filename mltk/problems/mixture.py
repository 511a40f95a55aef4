"""A mixture density network for rows: each column is a mixture of Gaussians given those before it.

One masked network gives all mixtures at once: M. Germain et al., MADE (2015); mixtures as outputs:
C. Bishop, Mixture Density Networks (1994), and B. Uria et al., RNADE (2013).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array
from mltk.problems.backend import keras

if TYPE_CHECKING:
    from mltk.project.spec import Model

_NARROWEST = math.log(0.02)
"""Log scale of the narrowest Gaussian, in deviations of a column; narrower ones would sit on single
rows, or on the steps of a column that was rounded, where the likelihood has no bound."""


@keras.saving.register_keras_serializable("mltk")
class MaskedDense(keras.layers.Dense):  # type: ignore[misc]  # Keras publishes no types
    """A dense layer some of whose weights are absent: `mask` [inputs][units] of 0 and 1."""

    def __init__(self, units: int, mask: Any, **settings: Any) -> None:
        super().__init__(units, **settings)
        self.mask = np.asarray(mask, dtype=np.float32).tolist()

    def call(self, inputs: Any) -> Any:
        """Compute as a dense layer does, without the weights that the mask takes out."""
        kernel = self.kernel * keras.ops.convert_to_tensor(self.mask, dtype=self.compute_dtype)
        return self.activation(keras.ops.matmul(inputs, kernel) + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Say how the layer is made again."""
        return {**super().get_config(), "mask": self.mask}


def log_density(spec: Model, columns: Any, components: int) -> Any:
    """Give the log density [n, 1] of standardised columns [n, F]."""
    width = columns.shape[1]
    told, degrees = _hidden(spec, columns)
    # A column may hear of those before it only.
    mask = np.repeat(degrees[:, None] < np.arange(1, width + 1), components, axis=1)

    def head(name: str, start: Any) -> Any:
        layer = MaskedDense(width * components, mask, bias_initializer=start, name=name)
        return keras.layers.Reshape((width, components))(layer(told))

    shares = head("shares", "zeros")
    centres = head("centres", keras.initializers.RandomNormal(seed=spec.seed))
    scales = keras.ops.maximum(head("scales", "zeros"), _NARROWEST)
    distance = (keras.layers.Reshape((width, 1))(columns) - centres) * keras.ops.exp(-scales)
    each = shares - scales - keras.ops.square(distance) / 2 - math.log(2 * math.pi) / 2
    of_columns = _log_sum(each) - _log_sum(shares)
    return keras.ops.sum(of_columns, axis=1, keepdims=True)


def _hidden(spec: Model, columns: Any) -> tuple[Any, Array]:
    """The hidden layers, and for each unit of the last how many columns it has heard of."""
    settings = spec.network
    width = columns.shape[1]
    heard, tensor = np.arange(1, width + 1), columns
    for position, units in enumerate(settings.hidden, start=1):
        degrees = np.arange(units) % max(1, width - 1) + 1
        tensor = MaskedDense(
            units,
            heard[:, None] <= degrees,
            activation=settings.activation,
            kernel_regularizer=keras.regularizers.L2(settings.l2) if settings.l2 else None,
            name=f"hidden_{position}",
            dtype=spec.training.precision,
        )(tensor)
        if settings.dropout:
            tensor = keras.layers.Dropout(settings.dropout, seed=spec.seed + position)(tensor)
        heard = degrees
    return tensor, heard


def _log_sum(terms: Any) -> Any:
    """The logarithm of the sum of exponentials over the last axis."""
    highest = keras.ops.max(terms, axis=-1, keepdims=True)
    total = keras.ops.sum(keras.ops.exp(terms - highest), axis=-1)
    return keras.ops.log(total) + keras.ops.squeeze(highest, axis=-1)
