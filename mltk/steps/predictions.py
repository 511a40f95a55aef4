"""What a model says on the hold-out rows, kept for the steps that judge it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mltk.data.arrays import Array, Outputs
from mltk.errors import StepError

_FEATURES = "features"


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Hold-out rows with the outputs of the Keras model.

    `rows` int64 [n] are row indices of the table, `features` float32 [n, F] their columns, `y_true`
    [n] the encoded target, `outputs` the model's outputs by name, float32 [n, ...]. `asked` is what
    the model was given, by input, when that is not just the features.
    """

    rows: Array
    features: Array
    y_true: Array
    outputs: Outputs
    asked: Mapping[str, Array] | None = None

    @property
    def inputs(self) -> Mapping[str, Array]:
        """What the model was given, by input."""
        return {_FEATURES: self.features} if self.asked is None else self.asked

    def write(self, path: Path) -> None:
        """Write an uncompressed .npz; the same values give the same bytes."""
        named = {f"output.{name}": array for name, array in self.outputs.items()}
        named |= {f"input.{name}": array for name, array in (self.asked or {}).items()}
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
        rows, features, y_true = (arrays[name] for name in ("rows", "features", "y_true"))
        asked = _named(arrays, "input.") or None
        return cls(rows, features, y_true, _named(arrays, "output."), asked)


def _named(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
