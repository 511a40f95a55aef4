"""The network that learns, where that is not the one that is saved and exported.

A bundle is float32 and lies on no device; what is trained may compute in 16 bits, or on several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mltk.data.table import Rows
from mltk.problems.base import Problem
from mltk.problems.checkpoint import Checkpoint
from mltk.problems.hardware import Hardware
from mltk.problems.network import Network
from mltk.problems.training import Fit, fit

if TYPE_CHECKING:
    from mltk.project.spec import Model

_EXACT = "float32"


def saved(problem: Problem, spec: Model, train: Rows) -> Network:
    """Build the network that is saved, in float32."""
    training = spec.training.model_copy(update={"precision": _EXACT})
    return problem.network(spec.model_copy(update={"training": training}), train)


def teach(
    network: Network,
    problem: Problem,
    spec: Model,
    train: Rows,
    validation: Rows,
    hardware: Hardware,
    *,
    log: Callable[[str], None],
    until: int | None = None,
    begun: Checkpoint | None = None,
) -> Fit:
    """Train the network that is saved, or the one that learns in its place; see `fit`."""
    return fit(
        network,
        train,
        validation,
        spec.training,
        seed=spec.seed,
        log=log,
        until=until,
        begun=begun,
        learner=_learner(network, problem, spec, train, hardware),
        hardware=hardware,
    )


def _learner(
    network: Network, problem: Problem, spec: Model, train: Rows, hardware: Hardware
) -> Network:
    """Give the network that learns in the place of `network`, with the same weights; often that."""
    if spec.training.precision == _EXACT and hardware.strategy is None:
        return network
    with hardware.scope():
        found = problem.network(spec, train)
        found.scores.set_weights(network.scores.get_weights())
    return found
