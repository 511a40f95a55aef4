"""A network that starts from the weights of one that was trained before."""

from __future__ import annotations

from typing import Any

from mltk.problems.network import Network


def take_weights(network: Network, before: Any) -> str:
    """Give the network the trained weights of the Keras model `before`; or say why they do not fit.

    What preprocessing has learnt of the rows stays that of the new rows.
    """
    ours, theirs = network.model.trainable_variables, before.trainable_variables
    if _architecture(network.model) != _architecture(before):
        return "it has other layers"
    for variable, value in zip(ours, theirs, strict=True):
        variable.assign(value)
    return ""


def _architecture(model: Any) -> list[tuple[str, str, tuple[tuple[int, ...], ...]]]:
    """Kind, activation and shapes of weights of each layer that is trained, in order."""
    return [
        (
            type(layer).__name__,
            getattr(getattr(layer, "activation", None), "__name__", ""),
            tuple(tuple(each.shape) for each in layer.trainable_variables),
        )
        for layer in model.layers
        if layer.trainable_variables
    ]
