"""The distribution of a column as a small drawing for a page: bars, and the champion's as a line.

Its colours are the variables `--now` and `--before` of the page. Every text in it is escaped.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from html import escape

import numpy as np

from mltk.data.quality.profile import ColumnProfile
from mltk.data.quality.sketch import TAIL

WIDTH, HEIGHT = 220, 56
_BINS = 24
_BARS = 12
_REST = "other values"


@dataclasses.dataclass(frozen=True)
class Bars:
    """What to draw: a name for each bar, the share of the rows in it, now and before (if known)."""

    names: tuple[str, ...]
    now: tuple[float, ...]
    before: tuple[float, ...] = ()


def bars(now: ColumnProfile, before: ColumnProfile | None) -> Bars:
    """Give a column the same bars as the champion's, if that is of the same type."""
    if before is not None and (before.type != now.type or not before.present):
        before = None
    if not now.present:
        return Bars((), ())
    return _of_numbers(now, before) if now.numbers else _of_values(now, before)


def _of_numbers(now: ColumnProfile, before: ColumnProfile | None) -> Bars:
    sketches = [each.numbers for each in (now, before) if each and each.numbers]
    low = min(each.quantile(TAIL) for each in sketches)
    high = max(each.quantile(1 - TAIL) for each in sketches)
    edges = np.linspace(low, high, _BINS + 1) if high > low else np.array([low, low])
    names = tuple(f"{a:.4g} to {b:.4g}" for a, b in itertools.pairwise(edges))
    # The tails lie in the bars at the ends.
    shares = [np.diff([0.0, *each.share_below(edges[1:-1]), 1.0]).tolist() for each in sketches]
    return Bars(names, *map(tuple, shares))


def _of_values(now: ColumnProfile, before: ColumnProfile | None) -> Bars:
    rows = [{each.value: each.rows for each in one.counts} for one in (now, before) if one]
    present = [one.present for one in (now, before) if one]
    sums = {value: sum(one.get(value, 0) for one in rows) for one in rows for value in one}
    names = sorted(sums, key=lambda value: (-sums[value], value))[:_BARS]
    shares = [
        [one.get(value, 0) / total for value in names]
        for one, total in zip(rows, present, strict=True)
    ]
    if any(sum(one) < 1 - 1e-9 for one in shares):
        names = [*names, _REST]
        shares = [[*one, max(0.0, 1 - sum(one))] for one in shares]
    return Bars(tuple(names), *map(tuple, shares))


def draw(found: Bars, title: str) -> str:
    """Draw bars as a piece of SVG."""
    top = max([*found.now, *found.before, 1e-12])
    step = WIDTH / max(len(found.names), 1)
    parts = [
        f'<rect class="now" x="{index * step + 0.5:.1f}" y="{HEIGHT - HEIGHT * share / top:.1f}"'
        f' width="{max(step - 1, 0.5):.1f}" height="{HEIGHT * share / top:.1f}">'
        f"<title>{escape(name)}: {share:.1%}</title></rect>"
        for index, (name, share) in enumerate(zip(found.names, found.now, strict=True))
    ]
    if found.before:
        parts.append(f'<path class="before" d="{_steps(found.before, step, top)}"/>')
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
    return f'{head} aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _steps(shares: Sequence[float], step: float, top: float) -> str:
    corners = [
        f"H{(index + 1) * step:.1f}" if side else f"V{HEIGHT - HEIGHT * share / top:.1f}"
        for index, share in enumerate(shares)
        for side in (0, 1)
    ]
    return f"M0 {HEIGHT}{''.join(corners)}V{HEIGHT}"
