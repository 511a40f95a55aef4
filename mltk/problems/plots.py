"""Plots as matplotlib figures; the same numbers give the same bytes of PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# Figure without pyplot: no window system, no global state.
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from mltk.data.arrays import Array

if TYPE_CHECKING:
    from mltk.problems.reliability import Reliability
    from mltk.project.spec import Target

_Box = tuple[float, float, float, float]
"""Left, bottom, width and height, as shares of the figure."""

_ROOM: _Box = (0.25, 0.26, 0.7, 0.66)
"""Leaves room for names at the axes."""

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
    lowest, highest = min(map(min, curves.values())), max(map(max, curves.values()))
    if lowest > 0:
        axes.set_yscale("log")
        # The scale's own labels are formulas, which take longer to set than the rest to draw.
        plain = FuncFormatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_major_formatter(plain)
        axes.yaxis.set_minor_formatter(plain if highest / lowest < 20 else NullFormatter())
    axes.legend()
    return figure


def predicted_against_true(
    y_true: Array, predicted: Array, target: Target, ends: tuple[Array, Array] | None = None
) -> Any:
    """Draw a point for each hold-out row; on the diagonal the prediction is right.

    `ends` of intervals [n] become lines: those that cross the diagonal hold the true value.
    """
    named = f"{target.name} ({target.unit})" if target.unit else target.name
    figure, axes = _axes("Hold-out", f"true {named}", f"predicted {named}")
    span = [min(y_true.min(), predicted.min()), max(y_true.max(), predicted.max())]
    if ends:
        axes.vlines(y_true, *ends, color="0.8", linewidth=1)
    axes.plot(span, span, color="grey", linestyle=":")
    axes.scatter(y_true, predicted, s=14, alpha=0.6, color=_INK, edgecolors="none")
    return figure


def confusion_matrix(y_true: Array, said: Array, classes: Sequence[str], target: Target) -> Any:
    """Draw how many hold-out rows of each class were called what."""
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (y_true, said), 1)
    figure, axes = _axes("Hold-out", f"predicted {target.name}", f"true {target.name}", _ROOM)
    axes.imshow(counts, cmap="Blues")
    if len(classes) <= _LABELLED_CLASSES:
        labels = [name if len(name) <= 14 else f"{name[:13]}…" for name in classes]
        axes.set_xticks(range(len(classes)), labels, rotation=45, ha="right")
        axes.set_yticks(range(len(classes)), labels)
        for (row, column), count in np.ndenumerate(counts):
            ink = "white" if count > counts.max() / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=ink)
    return figure


def histogram(values: Array, label: str) -> Any:
    """Draw how a number is spread over the hold-out rows."""
    figure, axes = _axes("Hold-out", label, "rows")
    axes.hist(values, bins=min(40, max(5, len(values) // 8)), color=_INK)
    return figure


def scatter(clouds: Mapping[str, Array], x: str, y: str) -> Any:
    """Draw clouds of points [n, 2], by name, over one another."""
    figure, axes = _axes("Hold-out", x, y)
    for (name, points), ink in zip(clouds.items(), (_INK, "#d1495b"), strict=False):
        axes.scatter(*points.T, s=14, alpha=0.6, color=ink, edgecolors="none", label=name)
    if len(clouds) > 1:
        axes.legend()
    return figure


def reliability(bins: Reliability) -> Any:
    """Draw how often rows of like confidence are right; the larger the mark, the more rows."""
    figure, axes = _axes("Hold-out", "confidence in the most probable class", "share that is right")
    low = float(min(bins.confidence.min(), bins.right.min()))
    axes.plot([low, 1], [low, 1], color="0.6", linestyle=":")
    # Two standard errors of the share, as if it were the confidence.
    spread = 2 * np.sqrt(bins.confidence * (1 - bins.confidence) / bins.rows)
    axes.errorbar(bins.confidence, bins.right, yerr=spread, color="0.6", linestyle="none")
    axes.scatter(bins.confidence, bins.right, s=4 + 2 * bins.rows**0.75, color=_INK, zorder=3)
    return figure


def _axes(title: str, x: str, y: str, box: _Box = (0.14, 0.13, 0.82, 0.79)) -> tuple[Any, Any]:
    # A fixed place: to measure all texts for a tight layout takes as long as to draw.
    figure = Figure(figsize=(6, 4.5))
    axes = figure.add_axes(box)
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure, axes
