"""Whether the columns of a table are distributed as those of another, from profiles alone.

Numeric columns by the two-sample Kolmogorov-Smirnov test (its asymptotic distribution) on sketches,
which is on the safe side; categories and missing values by the chi-squared test of homogeneity,
with rare values pooled and Yates's correction for two. The p-values of all columns are adjusted by
Holm's step-down method (Scandinavian Journal of Statistics 6, 1979): whatever the columns have to
do with one another, the chance of any false alarm is at most `alpha`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mltk.data.arrays import Array, Floats
from mltk.data.quality.found import Shift
from mltk.data.quality.profile import ColumnProfile, Profile
from mltk.data.quality.sketch import distance

_FEWEST_EXPECTED = 5
"""Cochran's rule for the chi-squared test (Biometrics 10, 1954)."""

_REST = "(rare values)"


def drift(
    before: Profile, now: Profile, *, alpha: float, effect: float
) -> tuple[tuple[Shift, ...], tuple[str, ...]]:
    """Compare every column that both have; what could not be compared comes in words.

    A column drifted when its adjusted p-value is at most `alpha` and its effect at least `effect`.
    """
    shifts: list[Shift] = []
    notes: list[str] = []
    for column in now.columns:
        old = before.column(column.name)
        if old is None:
            notes.append(f"'{column.name}' was not in the champion's table")
        elif old.type != column.type:
            notes.append(f"'{column.name}' is {column.type} and was {old.type}")
        else:
            shifts += _shifts(old, column)
    gone = [each.name for each in before.columns if now.column(each.name) is None]
    notes += [f"'{name}' was in the champion's table and is not in this one" for name in gone]
    return tuple(_judged(shifts, alpha, effect)), tuple(notes)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of any false rejection is kept (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    steps = len(order) - np.arange(len(order))
    rising = np.maximum.accumulate(np.minimum(steps * np.asarray(p_values)[order], 1.0))
    adjusted = np.empty(len(order))
    adjusted[order] = rising
    return [float(value) for value in adjusted]


def _judged(shifts: Sequence[Shift], alpha: float, effect: float) -> Iterator[Shift]:
    for shift, adjusted in zip(shifts, holm([each.p_value for each in shifts]), strict=True):
        drifted = adjusted <= alpha and shift.effect >= effect
        yield dataclasses.replace(shift, adjusted=adjusted, drifted=drifted)


def _shifts(old: ColumnProfile, new: ColumnProfile) -> Iterator[Shift]:
    if old.present and new.present:
        yield _of_numbers(old, new) if new.numbers else _of_categories(old, new)
    if old.missing or new.missing:
        yield _of_missing(old, new)


def _of_numbers(old: ColumnProfile, new: ColumnProfile) -> Shift:
    if old.numbers is None or new.numbers is None:
        raise ValueError(f"'{new.name}' has no sketch of its numbers")
    gap = distance(old.numbers, new.numbers)
    words = (
        f"median {_figure(new.numbers.quantile(0.5), new)},"
        f" was {_figure(old.numbers.quantile(0.5), old)};"
        f" the shares of rows below a value differ by up to {gap:.1%}"
    )
    p_value = _kolmogorov(gap, old.present, new.present)
    return _shift(new, "values", "Kolmogorov-Smirnov", gap, p_value, words)


def _of_categories(old: ColumnProfile, new: ColumnProfile) -> Shift:
    before, now = _rows_of(old), _rows_of(new)
    values = sorted({*before, *now})
    table = np.array([[each.get(value, 0) for value in values] for each in (before, now)])
    shares = table / table.sum(axis=1, keepdims=True)
    moved = np.abs(shares[1] - shares[0])
    most = int(np.argmax(moved))
    words = f"'{values[most]}' is {shares[1][most]:.1%} of the rows, was {shares[0][most]:.1%}"
    effect = float(moved.sum() / 2)
    return _shift(new, "values", "chi-squared", effect, homogeneity(table), words)


def _of_missing(old: ColumnProfile, new: ColumnProfile) -> Shift:
    table = np.array([[each.missing, each.present] for each in (old, new)])
    before, now = old.missing / old.rows, new.missing / new.rows
    words = f"{now:.1%} of the values are missing, {before:.1%} were"
    return _shift(new, "missing", "chi-squared", abs(now - before), homogeneity(table), words)


def _shift(
    column: ColumnProfile, what: str, test: str, effect: float, p_value: float, words: str
) -> Shift:
    return Shift(column.name, column.role, what, test, effect, p_value, p_value, False, words)


def _rows_of(column: ColumnProfile) -> Mapping[str, int]:
    rows = {count.value: count.rows for count in column.counts}
    return rows | ({_REST: column.uncounted} if column.uncounted else {})


def _kolmogorov(gap: float, one: int, other: int) -> float:
    from scipy import special  # scipy.stats takes ten times as long to import

    return float(special.kolmogorov(gap * math.sqrt(one * other / (one + other))))


def homogeneity(table: Array) -> float:
    """P-value of the rows of counts [2, k] coming from one distribution."""
    from scipy import special

    counts = _pooled(table)
    if counts.shape[1] < 2:
        return 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    gaps: Floats = np.abs(counts - expected)
    if counts.shape[1] == 2:
        gaps = np.maximum(gaps - 0.5, 0)
    return float(special.chdtrc(counts.shape[1] - 1, float((gaps**2 / expected).sum())))


def _pooled(table: Array) -> Array:
    """Put values together, the rarest first, until each is expected often enough in both rows."""
    sums = table.sum(axis=0)
    kept = table[:, sums > 0][:, np.argsort(sums[sums > 0], kind="stable")]
    smaller = kept.sum(axis=1).min() / max(kept.sum(), 1)
    # The margins alone decide, so that the test stays what it is.
    while kept.shape[1] > 1 and kept[:, 0].sum() * smaller < _FEWEST_EXPECTED:
        merged = np.column_stack([kept[:, :2].sum(axis=1), kept[:, 2:]])
        kept = merged[:, np.argsort(merged.sum(axis=0), kind="stable")]
    return kept


def _figure(value: float, column: ColumnProfile) -> str:
    return f"{value:.4g} {column.unit}".rstrip()
