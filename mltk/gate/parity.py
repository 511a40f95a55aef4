"""How far an export may be off Keras: one rule for the export, the gate and later proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltk.project.gating import Gate
    from mltk.project.spec import Export


def storage_tolerance(gate: Gate, export: Export) -> float:
    """What fewer bits for the weights may cost, relative to the output's scale."""
    return export.tolerance or gate.parity


def allowed(gate: Gate, export: Export) -> float:
    """The largest error of an export: more than by rounding where quantization may cost it."""
    if export.quantization == "none":
        return gate.parity
    return max(gate.parity, storage_tolerance(gate, export))
