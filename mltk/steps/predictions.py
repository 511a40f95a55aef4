"""What a model says on the hold-out rows, kept for the steps that judge it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.errors import StepError


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Hold-out rows with the outputs of the Keras model.

    `rows` int64 [n] are row indices of the table, `features` float32 [n, F] what the model takes,
    `y_true` [n] the encoded target, `outputs` the model's outputs by name, float32 [n, ...].
    """

    rows: Array
    features: Array
    y_true: Array
    outputs: Outputs

    def write(self, path: Path) -> None:
        """Write an uncompressed .npz; the same values give the same bytes."""
        named = {f"output.{name}": array for name, array in self.outputs.items()}
        arrays = {"rows": self.rows, "features": self.features, "y_true": self.y_true, **named}
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """Read what `write` wrote; StepError when the evaluate step has not run."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except FileNotFoundError:
            raise StepError(
                f"{path.name} is missing: the evaluate step has not run", where=str(path.parent)
            ) from None
        outputs = {
            name.removeprefix("output."): array
            for name, array in arrays.items()
            if name.startswith("output.")
        }
        return cls(arrays["rows"], arrays["features"], arrays["y_true"], outputs)
