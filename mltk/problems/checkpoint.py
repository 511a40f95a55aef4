"""A training that goes on where it stood: all that its next epoch depends on, as one file."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any, Self

import numpy as np

from mltk.data.arrays import Array

_ABOUT = "about"
_PARTS = ("variables", "optimizer", "best")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """State after `len(losses)` epochs, each a loss and a validation loss.

    `variables` are those of the network, seeds of its random layers included, `optimizer` those of
    the optimizer, and `best` the weights of `best_epoch`.
    """

    losses: tuple[tuple[float, float], ...]
    best_epoch: int
    variables: tuple[Array, ...]
    optimizer: tuple[Array, ...]
    best: tuple[Array, ...]

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        about = {"losses": self.losses, "best_epoch": self.best_epoch}
        arrays: dict[str, Any] = {_ABOUT: np.array(json.dumps(about))}
        for part in _PARTS:
            for number, array in enumerate(getattr(self, part)):
                arrays[f"{part}.{number}"] = array
        draft = path.with_name(f"{path.name}.part")
        with draft.open("wb") as file:
            np.savez(file, **arrays)
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it; None where there is none, or none that can be read."""
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                about = json.loads(str(file[_ABOUT]))
                parts = {part: _listed(file, part) for part in _PARTS}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        losses = tuple((float(one), float(two)) for one, two in about["losses"])
        return cls(losses, int(about["best_epoch"]), **parts)


def _listed(file: Any, part: str) -> tuple[Array, ...]:
    count = sum(name.startswith(f"{part}.") for name in file.files)
    return tuple(file[f"{part}.{number}"] for number in range(count))
