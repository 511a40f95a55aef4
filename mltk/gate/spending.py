"""How sure to be when there is more than one try: shares of the one chance to be wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence


def alpha_of_try(alpha: float, number: int) -> float:
    """The level of try `number` (from 1) against one champion: alpha * 6 / (pi^2 * number^2).

    The levels of all tries, however many there will be, sum up to `alpha`, so the chance that any
    model that is no better is ever promoted stays below it (Bonferroni's inequality, which holds
    whatever the tries have in common). An alpha-spending rule as in D. Foster and R. Stine,
    "alpha-investing", J. R. Statist. Soc. B 70 (2008), section 2; unlike Holm's it can decide on a
    try before the next one is known.
    """
    if number < 1:
        raise ValueError("tries are counted from 1")
    return alpha * 6 / (math.pi * number) ** 2


def holm(p_values: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Which of several hypotheses to reject, with chance `alpha` to reject any true one.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
    """
    rejected = [False] * len(p_values)
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(order):
        if p_values[index] > alpha / (len(p_values) - rank):
            break
        rejected[index] = True
    return tuple(rejected)
