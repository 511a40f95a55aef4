"""The network that learns, where that is not the one that is saved and exported.

A bundle is float32 and lies on no device; what is trained may compute in 16 bits, or on several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk.data.table import Rows
from mltk.problems.base import Problem
from mltk.problems.hardware import Hardware
from mltk.problems.network import Network

if TYPE_CHECKING:
    from mltk.project.spec import Model

_EXACT = "float32"


def saved(problem: Problem, spec: Model, train: Rows) -> Network:
    """Build the network that is saved, in float32."""
    training = spec.training.model_copy(update={"precision": _EXACT})
    return problem.network(spec.model_copy(update={"training": training}), train)


def learner(
    problem: Problem, spec: Model, train: Rows, network: Network, hardware: Hardware
) -> Network:
    """Give the network that learns in the place of `network`, with the same weights; often that."""
    if spec.training.precision == _EXACT and hardware.strategy is None:
        return network
    with hardware.scope():
        found = problem.network(spec, train)
        found.scores.set_weights(network.scores.get_weights())
    return found
