"""Linear models in plain numpy: the bar that a network must clear to be worth its weight."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.data.dates import Clock
from mltk.problems.imputing import Imputation
from mltk.project.features import starts

if TYPE_CHECKING:
    from mltk.project.features import Feature

_TOLERANCE = 1e-7
_STEPS = 5000

_WORDS = 200
"""Words of a text that a linear model knows: the work grows with the cube of the columns."""

_NUMBERS = 64
"""Columns that an image or a sequence is at most to it, for the same reason."""


@dataclasses.dataclass(frozen=True)
class Design:
    """Turns features [n, W] into columns of similar scale: numbers standardised, categories 0/1.

    Missing values are filled in as in the network, whose indicators are columns here, too. Of a
    text it knows which of the most frequent words are in it, of a large image or a long sequence
    the means of parts. `numbers` has mean and scale of the columns of numbers, by feature.
    """

    features: Sequence[Feature]
    imputation: Imputation
    numbers: Mapping[str, tuple[Floats, Floats]]
    clocks: Mapping[str, Clock]
    buckets: Mapping[str, Array]

    @classmethod
    def of(cls, values: Array, features: Sequence[Feature]) -> Design:
        """Take means and scales from training rows [n, W]."""
        imputation = Imputation.of(values, features)
        numbers = _numbers(imputation.whole(values), features)
        return cls(
            features, imputation, numbers, _clocks(values, features), _buckets(values, features)
        )

    def matrix(self, values: Array) -> Floats:
        """Give the design matrix, float64 [n, D]; a category's first value is the reference."""
        columns: list[Floats] = []
        whole = self.imputation.whole(values)
        for index, feature in starts(self.features):
            column = whole[:, index].astype(np.float64)
            if feature.type == "datetime":
                columns += self._parts(feature.name, values[:, index : index + 2])
            elif feature.type == "text":
                words = whole[:, index : index + feature.width]
                columns += [(words == one).any(axis=1) * 1.0 for one in self.buckets[feature.name]]
            elif feature.type == "categorical":
                columns += [(column == value) * 1.0 for value in range(1, len(feature.values))]
            else:
                mean, scale = self.numbers[feature.name]
                block = whole[:, index : index + feature.width]
                columns.append((_pooled(feature, block) - mean) / scale)
        return np.column_stack([*columns, self.imputation.indicators(values)])

    def _parts(self, name: str, block: Array) -> list[Floats]:
        day, second = block.astype(np.float64).T
        clock, missing = self.clocks[name], np.isnan(day)
        columns = clock.columns(day, second, np)
        return [
            np.where(missing, fill, column)
            for fill, column in zip(clock.fill, columns, strict=True)
        ]


def _blocks(values: Array, features: Sequence[Feature]) -> Iterator[tuple[Feature, Array]]:
    """Give each feature with its columns [n, width]."""
    for start, feature in starts(features):
        yield feature, values[:, start : start + feature.width]


def _numbers(whole: Array, features: Sequence[Feature]) -> dict[str, tuple[Floats, Floats]]:
    """Learn mean and scale of the columns of numbers from training rows [n, W], by feature."""
    pooled = {
        feature.name: _pooled(feature, block)
        for feature, block in _blocks(whole, features)
        if feature.type in ("numeric", "image", "sequence")
    }
    # Of all at once: NumPy sums a column by itself in another order, which rounds otherwise.
    mean, scale = moments(np.column_stack([np.empty((len(whole), 0)), *pooled.values()]))
    ends = np.cumsum([block.shape[1] for block in pooled.values()], dtype=int)[:-1]
    each = zip(np.split(mean, ends), np.split(scale, ends), strict=True)
    return dict(zip(pooled, each, strict=False))


def _pooled(feature: Feature, block: Array) -> Floats:
    """Give the means of so many parts of a block [n, width] that they are few, [n, D]."""
    shape = feature.dimensions if feature.type == "image" else (feature.width,)
    found = block.reshape(-1, *shape)
    for axis, (size, parts) in enumerate(zip(shape, _few(shape), strict=True), start=1):
        begins = np.arange(parts) * size // parts
        counts = np.diff(np.append(begins, size))
        sums = np.add.reduceat(found, begins, axis=axis, dtype=np.float64)
        found = sums / counts.reshape(-1, *[1] * (len(shape) - axis))
    return found.reshape(len(block), -1)


def _few(shape: Sequence[int]) -> tuple[int, ...]:
    """Halve the longest side, the first of several, until there are few parts."""
    parts = list(shape)
    while math.prod(parts) > _NUMBERS:
        longest = parts.index(max(parts))
        parts[longest] = (parts[longest] + 1) // 2
    return tuple(parts)


def _clocks(values: Array, features: Sequence[Feature]) -> dict[str, Clock]:
    """Learn from training rows [n, W] how the times become columns, by feature."""
    return {
        feature.name: Clock.of(block, feature)
        for feature, block in _blocks(values, features)
        if feature.type == "datetime"
    }


def _buckets(values: Array, features: Sequence[Feature]) -> dict[str, Array]:
    """Find the words that most training rows have, by feature."""
    return {
        feature.name: _frequent(block)
        for feature, block in _blocks(values, features)
        if feature.type == "text"
    }


def _frequent(block: Array) -> Array:
    rows = [np.unique(row[row > 0]) for row in block]
    found, counts = np.unique(np.concatenate(rows), return_counts=True)
    repeated: Array = found[np.argsort(-counts, kind="stable")][:_WORDS]
    return repeated


def moments(values: Array) -> tuple[Floats, Floats]:
    """Give mean and standard deviation of the columns; 1 for the scale of a constant column."""
    wide = values.astype(np.float64)
    deviation = wide.std(axis=0)
    # Rounding gives a constant column a deviation of about eps times its size.
    constant = deviation <= 1e-7 * np.abs(wide).max(axis=0)
    return wide.mean(axis=0), np.where(constant, 1.0, deviation)


def least_squares(design: Floats, target: Floats, design_new: Floats) -> Floats:
    """Fit target [n] on design [n, D] and an intercept; predict for new rows, [m].

    The solution of least norm, so collinear columns are no error.
    """
    coefficients = np.linalg.lstsq(with_intercept(design), target, rcond=None)[0]
    predicted: Floats = with_intercept(design_new) @ coefficients
    return predicted


def logistic(design: Floats, classes: Array, count: int, design_new: Floats) -> Floats:
    """Multinomial logistic regression with an L2 penalty of 1/2 |w|^2; probabilities [m, count].

    The penalty keeps the weights finite when the classes can be separated. Steps use the upper
    bound 1/2 X'X of the Hessian (D. Boehning, Ann. Inst. Stat. Math. 44, 1992), factored once, with
    Nesterov's momentum, restarted when it points uphill.
    """
    rows = with_intercept(design)
    truth = np.eye(count)[classes]
    penalty = np.append(np.ones(design.shape[1]), 0.0)
    # The intercepts' bound gets a ridge: shifting all of them together changes nothing.
    bound = rows.T @ rows / 2 + np.diag(np.maximum(penalty, 1e-9))
    inverse = np.linalg.inv(bound)
    weights = previous = np.zeros((rows.shape[1], count))
    age = 0
    for _ in range(_STEPS):
        ahead = weights + age / (age + 3) * (weights - previous)
        gradient = rows.T @ (softmax(rows @ ahead) - truth) + penalty[:, None] * ahead
        if np.abs(gradient).max() < _TOLERANCE * len(rows):
            break
        previous, weights = weights, ahead - inverse @ gradient
        age = 0 if np.sum(gradient * (weights - previous)) > 0 else age + 1
    return softmax(with_intercept(design_new) @ weights)


def softmax(scores: Floats) -> Floats:
    """Turn scores [n, K] into probabilities."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def with_intercept(design: Floats) -> Floats:
    """Add a column of ones, the last."""
    return np.column_stack([design, np.ones(len(design))])
