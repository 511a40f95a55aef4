"""One step of the optimizer, on one device or on several that share a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mltk.problems.backend import keras, tf
from mltk.problems.network import Network

if TYPE_CHECKING:
    from mltk.project.spec import Training


def optimizer(settings: Training) -> Any:
    """Adam; for float16 with a loss that is scaled, so that small gradients do not become 0."""
    adam = keras.optimizers.Adam(settings.learning_rate)
    if settings.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(adam)
    return adam


def update(
    network: Network, features: Any, target: Any, adam: Any, strategy: Any
) -> Callable[[Any], Any]:
    """Give a function that takes row numbers [b], changes the weights and gives the sum of losses.

    With a strategy each device takes its share of the rows; the gradients are added up, so that a
    step is what it would be on one device, but for the order of additions.
    """
    scores = network.scores
    variables = scores.trainable_variables

    def step(chosen: Any, mean: Callable[[Any], Any], share: float) -> Any:
        with tf.GradientTape() as tape:
            losses = network.loss(
                scores(tf.gather(features, chosen), training=True), tf.gather(target, chosen)
            )
            objective = adam.scale_loss(mean(losses) + share * sum(scores.losses))
        adam.apply(tape.gradient(objective, variables), variables)
        return tf.reduce_sum(losses)

    if strategy is None:
        return lambda chosen: step(chosen, tf.reduce_mean, 1)
    count = strategy.num_replicas_in_sync

    def shared(chosen: Any) -> Any:
        rows = tf.cast(tf.size(chosen), tf.float32)

        def own() -> Any:
            place = tf.distribute.get_replica_context().replica_id_in_sync_group
            return step(
                chosen[place::count], lambda losses: tf.reduce_sum(losses) / rows, 1 / count
            )

        return strategy.reduce("SUM", strategy.run(own), axis=None)

    return shared
