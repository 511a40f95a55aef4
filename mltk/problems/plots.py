"""Plots as matplotlib figures; the same numbers give the same bytes of PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# Figure without pyplot: no window system, no global state.
from matplotlib.figure import Figure

from mltk.data.arrays import Array

if TYPE_CHECKING:
    from mltk.project.spec import Target

_INK = "#1f4e79"
_LABELLED_CLASSES = 12
"""With more classes the numbers in a confusion matrix cannot be read."""


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG."""
    # The writer would note its version, and an upgrade would change every plot.
    figure.savefig(path, format="png", dpi=100, metadata={"Software": None})


def loss_curves(curves: Mapping[str, Sequence[float]], best_epoch: int) -> Any:
    """Draw a line for each curve and mark the epoch whose weights were kept."""
    figure, axes = _axes("Training", "epoch", "loss")
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, label=name.replace("_", " "))
    axes.axvline(best_epoch, color="grey", linestyle=":", label="best epoch")
    if all(min(values) > 0 for values in curves.values()):
        axes.set_yscale("log")
    axes.legend()
    return figure


def predicted_against_true(y_true: Array, predicted: Array, target: Target) -> Any:
    """Draw a point for each hold-out row; on the diagonal the prediction is right."""
    named = f"{target.name} ({target.unit})" if target.unit else target.name
    figure, axes = _axes("Hold-out", f"true {named}", f"predicted {named}")
    ends = [min(y_true.min(), predicted.min()), max(y_true.max(), predicted.max())]
    axes.plot(ends, ends, color="grey", linestyle=":")
    axes.scatter(y_true, predicted, s=14, alpha=0.6, color=_INK, edgecolors="none")
    return figure


def confusion_matrix(y_true: Array, said: Array, classes: Sequence[str], target: Target) -> Any:
    """Draw how many hold-out rows of each class were called what."""
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (y_true, said), 1)
    figure, axes = _axes("Hold-out", f"predicted {target.name}", f"true {target.name}")
    axes.imshow(counts, cmap="Blues")
    if len(classes) <= _LABELLED_CLASSES:
        axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
        axes.set_yticks(range(len(classes)), classes)
        for (row, column), count in np.ndenumerate(counts):
            ink = "white" if count > counts.max() / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=ink)
    return figure


def _axes(title: str, x: str, y: str) -> tuple[Any, Any]:
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes
