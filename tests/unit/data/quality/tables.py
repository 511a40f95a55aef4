"""Tables and project sections for the tests of what is said about data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mltk.data.rows import Table
from mltk.project.spec import Model

COLOURS = ("red", "green", "blue")


def spec(numeric: Sequence[str] = ("x",), **changes: Any) -> Model:
    """A regression on numeric columns, a colour, and a target."""
    colour = {"name": "colour", "type": "categorical", "values": list(COLOURS)}
    features = [*({"name": name} for name in numeric), colour]
    section = {"problem": "regression", "data": {"path": "t.csv"}, "target": {"name": "y"}}
    return Model.model_validate({**section, "features": features, **changes})


def table(
    columns: Mapping[str, Any], target: Any, classes: tuple[str, ...] = (), **more: Any
) -> Table:
    """A table of these columns, whose rows are on the lines from 2 on."""
    features = np.column_stack([np.asarray(each, dtype=np.float32) for each in columns.values()])
    lines = np.arange(2, len(features) + 2)
    return Table(tuple(columns), features, np.asarray(target), classes, lines, **more)


def drawn(rows: int, seed: int, *, shift: float = 0.0, red: float = 1 / 3) -> Table:
    """Rows of one distribution: a normal x, a colour, and a target that follows both."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rows) + shift
    colour = random.choice(3, size=rows, p=[red, (1 - red) / 2, (1 - red) / 2])
    return table({"x": x, "colour": colour}, x + colour + random.normal(size=rows))
