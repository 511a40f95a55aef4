"""What a TaskRun asks for as a whole, divided among its steps.

Rules: ``pkg/internal/computeresources/tasklevel`` of Tekton: each step may use all of the limit,
and asks for its part of the request, or of the limit when nothing is requested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from mltk.tekton.downward import Resources
from mltk.tekton.objects import Obj
from mltk.tekton.quantities import Quantity, parse_quantity

_OF_BYTES = ("memory", "ephemeral-storage")  # divided to whole ones, others to thousandths


def divided(steps: Sequence[Resources], whole: Obj | None) -> list[Resources]:
    """What steps ask for; what they have said themselves does not count when the TaskRun asks."""
    requests, limits = ((whole or {}).get(part) or {} for part in ("requests", "limits"))
    if not requests and not limits:
        return list(steps)
    limits = {name: str(amount) for name, amount in limits.items()}
    of_requests, of_limits = _parts(requests, len(steps)), _parts(limits, len(steps))
    return [
        replace(
            step,
            requests=of_requests if step.requests or requests else of_limits,
            limits=limits,
        )
        for step in steps
    ]


def _parts(whole: Mapping[str, object], count: int) -> dict[str, str]:
    return {
        name: str(part_of(name, parse_quantity(str(amount)), count))
        for name, amount in whole.items()
    }


def part_of(name: str, whole: Quantity, count: int) -> Quantity:
    """What each of `count` has of an amount of a resource."""
    unit = Fraction(1) if name in _OF_BYTES else Fraction(1, 1000)
    # Kubernetes rounds an amount up to units, and Go what is divided down.
    units = -(-whole.value // unit)
    return replace(whole, value=(units // count) * unit)
