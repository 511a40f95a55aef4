"""The distribution of a numeric column in at most 131 points, each with its exact rank.

Between two points the distribution is unknown, but bounded by their ranks. Two sketches can so be
compared without the values that they were made of, and never seem further apart than these were.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mltk.data.arrays import Array, Floats

SIZE = 128
"""Parts of equal count into which many distinct values are cut; fewer are all kept."""

TAIL = 0.005
"""Share of the values on either side that may be outliers; where they begin is a point, too."""


@dataclasses.dataclass(frozen=True)
class Sketch:
    """Of `count` values, `below[i]` are less than `points[i]`, and `at_most[i]` not above it."""

    count: int
    points: tuple[float, ...]
    below: tuple[int, ...]
    at_most: tuple[int, ...]

    def quantile(self, share: float) -> float:
        """The least point that at least `share` of the values do not exceed."""
        rank = min(share * self.count, self.count)
        return self.points[int(np.searchsorted(self.at_most, rank, "left"))]

    def share_below(self, places: Array) -> Floats:
        """Estimate which share of the values is not above each place; straight between points."""
        low, high, weight = self._around(places)
        estimate: Floats = (low + (high - low) * weight) / max(self.count, 1)
        return estimate

    def bounds(self, places: Array, *, left: bool = False) -> tuple[Floats, Floats]:
        """Bound the share of values not above each place (`left`: less than it)."""
        low, high, _ = self._around(places)
        if left:
            at = np.searchsorted(self.points, places, "left")
            hit = np.isin(places, self.points)
            exact = np.array([*self.below, 0])[at]
            low, high = np.where(hit, exact, low), np.where(hit, exact, high)
        return low / max(self.count, 1), high / max(self.count, 1)

    def _around(self, places: Array) -> tuple[Array, Array, Floats]:
        """Ranks that bound each place, and how far along it lies from one point to the next."""
        after = np.searchsorted(self.points, places, "right")
        low = np.array([0, *self.at_most])[after]
        high = np.array([*self.below, self.count])[after]
        starts, ends = np.array([-np.inf, *self.points])[after], np.array([*self.points, np.inf])
        hit = starts == places
        inside = np.isfinite(starts) & np.isfinite(ends[after]) & ~hit
        weight = np.zeros(len(places))
        begin, end = starts[inside], ends[after][inside]
        weight[inside] = (np.asarray(places)[inside] - begin) / (end - begin)
        return low, np.where(hit, low, high), weight


def sketch(values: Array, size: int = SIZE) -> Sketch:
    """Sketch values [n], all finite; the smallest and the largest are among the points."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    points = np.unique(ordered)
    if len(points) > size + 1:
        even = np.linspace(0, len(ordered) - 1, size + 1).round()
        tails = np.ceil(np.array([TAIL, 1 - TAIL]) * len(ordered)) - 1
        points = np.unique(ordered[np.concatenate([even, tails]).astype(np.int64)])
    return Sketch(
        count=len(ordered),
        points=tuple(points.tolist()),
        below=tuple(np.searchsorted(ordered, points, "left").tolist()),
        at_most=tuple(np.searchsorted(ordered, points, "right").tolist()),
    )


def distance(one: Sketch, other: Sketch) -> float:
    """The largest difference of the two cumulative shares, or a little less (Kolmogorov-Smirnov).

    Never more than that of the values themselves; the same where each has at most 129 distinct
    ones.
    """
    places = np.union1d(one.points, other.points)
    gaps = [0.0]
    for left in (False, True):
        (low, high), (low_2, high_2) = (each.bounds(places, left=left) for each in (one, other))
        gaps += [float((low - high_2).max()), float((low_2 - high).max())]
    return max(gaps)
