"""What every head of a regression can do.

A head is about one target; `mltk.problems.regression` puts several together. Its outputs have plain
names (`prediction`, `lower`, ...), [n, 1] unless said, in the unit of the target.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mltk.data.arrays import Array, Floats, Outputs
from mltk.problems.base import OutputDescription
from mltk.problems.linear import moments
from mltk.problems.measures import Measure

if TYPE_CHECKING:
    from mltk.project.spec import Target

LOWER, UPPER = "lower", "upper"

Settle = Callable[[Array, Array], str]
"""(what is trained of the validation rows [n, W], their target [n]) -> what was settled."""


@dataclasses.dataclass(frozen=True)
class Scale:
    """How training sees a target: without `shift`, in units of `stretch`."""

    shift: float
    stretch: float

    @classmethod
    def standard(cls, target: Array) -> Scale:
        """Make the target [n] have mean 0 and deviation 1."""
        return cls(*(float(moment[0]) for moment in moments(target[:, None])))

    def encode(self, target: Array) -> Floats:
        """Give the target [n] as training sees it, float32 [n]."""
        encoded: Floats = ((target - self.shift) / self.stretch).astype(np.float32)
        return encoded


@dataclasses.dataclass(frozen=True)
class Part:
    """The graph of one target: its outputs by plain name, and what is trained, [n, W]."""

    outputs: dict[str, Any]
    trained: Any
    settle: Settle | None = None


def ends_of(what: str, coverage: float, unit: str) -> tuple[OutputDescription, ...]:
    """Describe the ends of the interval that holds `coverage` of the values of `what`."""
    share = f"the interval that holds {100 * coverage:.4g} % of the values of {what}"
    return (
        OutputDescription(LOWER, f"lower end of {share}", unit),
        OutputDescription(UPPER, f"upper end of {share}", unit),
    )


class Head(abc.ABC):
    """What is learnt of one target."""

    needs: ClassVar[str] = ""
    """What values of the target must be, in words, where not every number will do."""

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """How many scores of the network the head takes."""

    def scale(self, target: Array) -> Scale:
        """Choose how training sees the target, from training rows [n]: standardised."""
        return Scale.standard(target)

    @abc.abstractmethod
    def part(self, scores: Any, scale: Scale, name: str = "") -> Part:
        """Build on scores [n, width]; the names of layers begin with `name`."""

    @abc.abstractmethod
    def loss(self, trained: Any, target: Any) -> Any:
        """Give the loss of each row [n], from what is trained [n, W] and the encoded target [n]."""

    @abc.abstractmethod
    def meanings(self, target: Target) -> tuple[OutputDescription, ...]:
        """Say what the outputs mean, by plain name."""

    @abc.abstractmethod
    def measures(self) -> tuple[Measure, ...]:
        """Give the metrics of outputs with plain names, the primary one first."""

    @abc.abstractmethod
    def baselines(self, known: Floats, target: Floats, new: Floats) -> dict[str, Outputs]:
        """Say of new rows, by design [m, D], what is known without them and by a line."""

    def fits(self, target: Array) -> Array:
        """Tell which values of a target [n] can be learnt, bool [n]."""
        return np.ones(len(target), dtype=bool)
