"""Fit a network with Adam, stop early, keep the best weights; the same bytes every time.

An epoch is one compiled function: for tables of a few hundred rows the calls from Python cost more
than the arithmetic, and `Model.fit` takes 20 times as long.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array
from mltk.data.table import Rows
from mltk.errors import StepError
from mltk.problems.backend import tf
from mltk.problems.checkpoint import Checkpoint
from mltk.problems.hardware import Hardware
from mltk.problems.network import Network
from mltk.problems.pace import Meter, Pace
from mltk.problems.updating import optimizer, update

if TYPE_CHECKING:
    from mltk.project.spec import Training

LOSS, VALIDATION_LOSS = "loss", "validation_loss"
_LINES = 10
"""Progress lines of a training that takes all its epochs."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """How a training went: one number an epoch; `best_epoch` (from 1) gave the weights.

    `stopped` says that it would gain nothing more; `checkpoint` is where it stood, None for a
    network that needs no search. `pace` is None where fewer than two epochs were trained.
    """

    curves: dict[str, tuple[float, ...]]
    best_epoch: int
    stopped: bool = True
    checkpoint: Checkpoint | None = None
    pace: Pace | None = None


def fit(
    network: Network,
    train: Rows,
    validation: Rows,
    settings: Training,
    *,
    seed: int,
    log: Callable[[str], None],
    until: int | None = None,
    begun: Checkpoint | None = None,
    learner: Network | None = None,
    hardware: Hardware | None = None,
) -> Fit:
    """Train `network` in place and leave it with the weights of its best epoch.

    The best epoch has the least loss on the validation rows. It ends with the epoch `until` where
    that comes first; what goes on from `begun` comes to the same as what was never interrupted.
    Where `learner` is given, it is trained in the place of `network`, which takes over its weights:
    one of another precision, or one whose variables lie on all devices of `hardware`.
    StepError when the loss stops being a number.
    """
    hardware = hardware or Hardware()
    if not network.scores.trainable_variables:
        return _known(network, train, validation, log)
    meter = Meter(len(train.target), hardware.threads)
    with hardware.scope():
        training = _Training(learner or network, train, validation, settings, seed, hardware)
        if begun is not None:
            training.take_up(begun)
        last = min(settings.epochs, until or settings.epochs)
        while training.epoch < last and not training.stopped:
            training.advance()
            meter.tick()
            if _worth_a_line(training.epoch, settings.epochs) or training.stopped:
                log(f"epoch {training.epoch:>4}/{settings.epochs}  {_words(training.losses[-1])}")
        checkpoint = training.checkpoint()
    network.scores.set_weights(training.best)
    log(f"best epoch {training.best_epoch}  {_words(training.losses[training.best_epoch - 1])}")
    if network.settle:
        log(network.settle(network.scores(validation.features).numpy(), validation.target))
    curves = zip(*training.losses, strict=True)
    return Fit(
        dict(zip((LOSS, VALIDATION_LOSS), curves, strict=True)),
        training.best_epoch,
        training.stopped or training.epoch == settings.epochs,
        checkpoint,
        meter.pace(),
    )


class _Training:
    """A training between two epochs."""

    def __init__(
        self,
        network: Network,
        train: Rows,
        validation: Rows,
        settings: Training,
        seed: int,
        hardware: Hardware,
    ) -> None:
        self._network, self._patience = network, settings.patience
        self._optimizer = optimizer(settings)
        self._run = _compiled_epoch(
            network, train, validation, settings.batch_size, self._optimizer, hardware.strategy
        )
        self._random, self._rows = np.random.default_rng(seed), len(train.target)
        self.losses: list[tuple[float, float]] = []
        self.best_epoch, self.best = 0, network.scores.get_weights()

    @property
    def epoch(self) -> int:
        """How many epochs it has had."""
        return len(self.losses)

    @property
    def stopped(self) -> bool:
        """Whether its patience is at an end."""
        return 0 < self._patience <= self.epoch - self.best_epoch

    def advance(self) -> None:
        """Train one epoch, and keep its weights if they are the best."""
        loss = _finite(self._run(tf.constant(self._order())), self.epoch + 1)
        least = self.losses[self.best_epoch - 1][1] if self.best_epoch else math.inf
        self.losses.append(loss)
        if loss[1] < least:
            self.best_epoch, self.best = self.epoch, self._network.scores.get_weights()

    def checkpoint(self) -> Checkpoint:
        """All that the next epoch depends on."""
        variables, optimizer = (
            tuple(each.numpy() for each in of.variables)
            for of in (self._network.scores, self._optimizer)
        )
        losses = tuple(self.losses)
        return Checkpoint(losses, self.best_epoch, variables, optimizer, tuple(self.best))

    def take_up(self, begun: Checkpoint) -> None:
        """Go on from there."""
        for of, values in (
            (self._network.scores, begun.variables),
            (self._optimizer, begun.optimizer),
        ):
            for variable, value in zip(of.variables, values, strict=True):
                variable.assign(value)
        self.losses, self.best = list(begun.losses), list(begun.best)
        self.best_epoch = begun.best_epoch
        for _ in begun.losses:
            self._order()

    def _order(self) -> Array:
        return self._random.permutation(self._rows).astype(np.int32)


def _known(network: Network, train: Rows, validation: Rows, log: Callable[[str], None]) -> Fit:
    """Give the losses of a network whose weights follow from the rows without a search."""
    parts = (_tensors(network, rows) for rows in (train, validation))
    losses = [network.loss(network.scores(features), target) for features, target in parts]
    loss, unseen = _finite((tf.reduce_mean(losses[0]), tf.reduce_mean(losses[1])), 1)
    log(f"nothing to search for  {_words((loss, unseen))}")
    return Fit({LOSS: (loss,), VALIDATION_LOSS: (unseen,)}, 1)


def _compiled_epoch(
    network: Network, train: Rows, validation: Rows, batch_size: int, adam: Any, strategy: Any
) -> Callable[[Any], tuple[Any, Any]]:
    """Give a function that trains one epoch in the given order of rows: loss, validation loss."""
    adam.build(network.scores.trainable_variables)
    step = update(network, *_tensors(network, train), adam, strategy)
    rows = len(train.target)
    features_new, target_new = _tensors(network, validation)

    def epoch(order: Any) -> tuple[Any, Any]:
        def batch(start: Any, total: Any) -> tuple[Any, Any]:
            end = start + batch_size
            return end, total + step(order[start:end])

        # Devices that share batches must not be in two of them.
        _, total = tf.while_loop(
            lambda start, _: start < rows, batch, (0, 0.0), parallel_iterations=1
        )
        unseen = network.loss(network.scores(features_new, training=False), target_new)
        return total / rows, tf.reduce_mean(unseen)

    compiled: Callable[[Any], tuple[Any, Any]] = tf.function(epoch, autograph=False)
    return compiled


def _tensors(network: Network, rows: Rows) -> tuple[Any, Any]:
    return tf.constant(rows.features), tf.constant(network.encode(rows.target))


def _finite(losses: tuple[Any, Any], epoch: int) -> tuple[float, float]:
    loss, validation = (float(value) for value in losses)
    if not (math.isfinite(loss) and math.isfinite(validation)):
        raise StepError(
            f"the training diverged: in epoch {epoch} the loss is not a finite number",
            hint="lower training.learning_rate in mltk.yaml",
        )
    return loss, validation


def _worth_a_line(epoch: int, epochs: int) -> bool:
    return epoch == 1 or epoch % max(1, epochs // _LINES) == 0


def _words(losses: tuple[float, float]) -> str:
    return f"loss {losses[0]:.4g}  validation loss {losses[1]:.4g}"
