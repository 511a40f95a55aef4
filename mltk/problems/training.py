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

from mltk.data.table import Rows
from mltk.errors import StepError
from mltk.problems.backend import keras, tf
from mltk.problems.network import Network

if TYPE_CHECKING:
    from mltk.project.spec import Training

LOSS, VALIDATION_LOSS = "loss", "validation_loss"
_LINES = 10
"""Progress lines of a training that takes all its epochs."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """How a training went: one number an epoch; `best_epoch` (from 1) gave the weights."""

    curves: dict[str, tuple[float, ...]]
    best_epoch: int


def fit(
    network: Network,
    train: Rows,
    validation: Rows,
    settings: Training,
    *,
    seed: int,
    log: Callable[[str], None],
) -> Fit:
    """Train `network` in place and leave it with the weights of its best epoch.

    The best epoch has the least loss on the validation rows. StepError when the loss stops being
    a number.
    """
    if not network.scores.trainable_variables:
        return _known(network, train, validation, log)
    run_epoch = _compiled_epoch(network, train, validation, settings)
    random = np.random.default_rng(seed)
    losses: list[tuple[float, float]] = []
    best, best_epoch, weights = math.inf, 0, network.scores.get_weights()
    for epoch in range(1, settings.epochs + 1):
        order = random.permutation(len(train.target)).astype(np.int32)
        losses.append(_finite(run_epoch(tf.constant(order)), epoch))
        if losses[-1][1] < best:
            best, best_epoch, weights = losses[-1][1], epoch, network.scores.get_weights()
        stop = 0 < settings.patience <= epoch - best_epoch
        if _worth_a_line(epoch, settings.epochs) or stop:
            log(f"epoch {epoch:>4}/{settings.epochs}  {_words(losses[-1])}")
        if stop:
            break
    network.scores.set_weights(weights)
    log(f"best epoch {best_epoch}  {_words(losses[best_epoch - 1])}")
    if network.settle:
        log(network.settle(network.scores(validation.features).numpy(), validation.target))
    curves = zip(*losses, strict=True)
    return Fit(dict(zip((LOSS, VALIDATION_LOSS), curves, strict=True)), best_epoch)


def _known(network: Network, train: Rows, validation: Rows, log: Callable[[str], None]) -> Fit:
    """Give the losses of a network whose weights follow from the rows without a search."""
    parts = (_tensors(network, rows) for rows in (train, validation))
    losses = [network.loss(network.scores(features), target) for features, target in parts]
    loss, unseen = _finite((tf.reduce_mean(losses[0]), tf.reduce_mean(losses[1])), 1)
    log(f"nothing to search for  {_words((loss, unseen))}")
    return Fit({LOSS: (loss,), VALIDATION_LOSS: (unseen,)}, 1)


def _compiled_epoch(
    network: Network, train: Rows, validation: Rows, settings: Training
) -> Callable[[Any], tuple[Any, Any]]:
    """Give a function that trains one epoch in the given order of rows: loss, validation loss."""
    scores = network.scores
    variables = scores.trainable_variables
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(variables)
    features, target = _tensors(network, train)
    rows = len(train.target)
    features_new, target_new = _tensors(network, validation)

    def step(chosen: Any) -> Any:
        with tf.GradientTape() as tape:
            losses = network.loss(
                scores(tf.gather(features, chosen), training=True), tf.gather(target, chosen)
            )
            objective = tf.reduce_mean(losses) + sum(scores.losses)
        optimizer.apply(tape.gradient(objective, variables), variables)
        return tf.reduce_sum(losses)

    def epoch(order: Any) -> tuple[Any, Any]:
        def batch(start: Any, total: Any) -> tuple[Any, Any]:
            end = start + settings.batch_size
            return end, total + step(order[start:end])

        _, total = tf.while_loop(lambda start, _: start < rows, batch, (0, 0.0))
        unseen = network.loss(scores(features_new, training=False), target_new)
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
