"""A layer that says from where on to decide."""

from __future__ import annotations

from typing import Any

import numpy as np

from mltk.problems.backend import keras


@keras.saving.register_keras_serializable("mltk")
class Thresholds(keras.layers.Layer):  # type: ignore[misc]  # Keras publishes no types
    """The same numbers [count] for each row, whatever it is asked; 0.5 until `settle` sets them."""

    def __init__(self, count: int, **settings: Any) -> None:
        super().__init__(trainable=False, **settings)
        self.count = count

    def build(self, _: Any) -> None:
        """Make the numbers."""
        start = keras.initializers.Constant(0.5)
        self.values = self.add_weight((self.count,), start, trainable=False, name="values")

    def settle(self, values: Any) -> None:
        """Set the numbers."""
        self.set_weights([np.array(values, dtype=np.float32)])

    def call(self, rows: Any) -> Any:
        """Give the numbers as often as there are rows [n, count]."""
        return rows * 0.0 + self.values

    def get_config(self) -> dict[str, Any]:
        """Say how the layer is made again."""
        config = {**super().get_config(), "count": self.count}
        config.pop("trainable", None)
        return config
