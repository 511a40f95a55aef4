"""What a bundle may cost: its error against Keras, its size, its time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mltk.gate import parity
from mltk.records import Check, Verification
from mltk.wording import amount

if TYPE_CHECKING:
    from mltk.project.gating import Gate
    from mltk.project.spec import Export
    from mltk.tfjs.latency import Latency


@dataclasses.dataclass(frozen=True)
class Storage:
    """How the weights are stored: the share of their full size, and the error that it costs.

    `others` are those that were not taken, with their errors in words.
    """

    name: str
    share: float
    error: float
    others: tuple[tuple[str, str], ...]


def of_parity(gate: Gate, export: Export, proof: Verification) -> Iterator[Check]:
    """Compare the error of the export with what is allowed, on every backend asked for."""
    allowed = parity.allowed(gate, export)
    proven = {check.backend: check for check in proof.backends}
    for backend in export.backends:
        name = f"parity.{backend}"
        if backend not in proven:
            yield Check(name, False, None, allowed, f"the export was not run on {backend}")
            continue
        error = proven[backend].max_relative_error
        passed = error <= allowed
        said = f"the export on {backend} differs from Keras by {error:.2g} of the output's scale"
        reason = f"{said}, {'within' if passed else 'more than'} {amount(allowed)}"
        yield Check(name, passed, error, allowed, reason)


def of_size(gate: Gate, size: int) -> Iterator[Check]:
    """Compare the bytes of the bundle with their budget, where there is one."""
    if gate.max_size_kb is None:
        return
    found, limit = size / 1000, gate.max_size_kb
    excess = found - limit
    reason = f"the bundle's {amount(found, 'kB')} are within {amount(limit, 'kB')}"
    if excess > 0:
        over = amount(excess, "kB")
        reason = f"the bundle's {amount(found)} kB exceed {amount(limit)} by {over}"
    yield Check("size", excess <= 0, found, limit, reason)


def of_latency(gate: Gate, found: Latency | None) -> Iterator[Check]:
    """Compare the time of a prediction with its budget, where there is one."""
    if gate.max_latency_ms is None or found is None:
        return
    limit, passed = gate.max_latency_ms, found.median <= gate.max_latency_ms
    half = f"half of them {amount(found.low)} to {amount(found.high, 'ms')}"
    reason = (
        f"one prediction takes {amount(found.median, 'ms')} on {found.backend} (median of "
        f"{found.predictions}, {half}), {'within' if passed else 'more than'} {amount(limit, 'ms')}"
    )
    rule = "median of single predictions <= limit; the interval is that of the quartiles"
    spread = (found.low, found.high, 0.5, found.predictions)
    yield Check(f"latency.{found.backend}", passed, found.median, limit, reason, rule, *spread)


def of_storage(gate: Gate, export: Export, storage: Storage | None) -> Iterator[Check]:
    """Tell what storage of the weights was chosen, where it was chosen by measuring."""
    if storage is None:
        return
    limit = parity.storage_tolerance(gate, export)
    tried = ", ".join(f"{name} {error}" for name, error in storage.others)
    reason = (
        f"weights are stored as {storage.name}: {storage.share:.0%} of their size at an error of "
        f"{storage.error:.2g} of the output's scale, within {amount(limit)} (others: {tried})"
    )
    yield Check("quantization", True, storage.error, limit, reason)
