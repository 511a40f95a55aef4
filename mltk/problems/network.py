"""The network of a table: preprocessing inside the graph, hidden layers, and a head of scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mltk.data.arrays import Array
from mltk.problems.backend import keras
from mltk.problems.columns import columns

if TYPE_CHECKING:
    from mltk.project.spec import Model


@dataclasses.dataclass(frozen=True)
class Network:
    """One network seen twice, with the same weights.

    `model` takes `features` float32 [n, W], or what else clients give it, to the named outputs; it
    is what is saved and exported. `scores` takes the features to what is trained: `loss(scores,
    target)` is the loss of each row, [n], with the target as `encode` gives it; so units of the
    target or a softmax do not disturb the training. `model` has no weights that `scores` lacks.
    """

    model: Any
    scores: Any
    loss: Callable[[Any, Any], Any]
    encode: Callable[[Array], Array]
    settle: Callable[[Array, Array], str] | None = None
    """Called after the training with scores and target of the validation rows: may change weights,
    and says in words what it settled."""


def scores(spec: Model, features: Array, width: int) -> tuple[Any, Any]:
    """Build the untrained graph for training rows [n, W]: its input, and its scores [n, width]."""
    inputs, tensor = columns(spec, features)
    return inputs, keras.layers.Dense(width, name="scores")(hidden(spec, tensor))


def hidden(spec: Model, tensor: Any, name: str = "hidden", *, backwards: bool = False) -> Any:
    """Put the hidden layers of the project file on a tensor [n, W]; `backwards` the last first."""
    settings = spec.network
    widths = settings.hidden[::-1] if backwards else settings.hidden
    for position, units in enumerate(widths, start=1):
        tensor = dense(
            spec, units, f"{name}_{position}", settings.activation, spec.training.precision
        )(tensor)
        if settings.dropout:
            seed = spec.seed + position
            tensor = keras.layers.Dropout(settings.dropout, seed=seed)(tensor)
    return tensor


def dense(
    spec: Model,
    units: int,
    name: str,
    activation: str | None = None,
    precision: str = "float32",
) -> Any:
    """Make a layer of neurons with the weight decay of the project file."""
    decay = spec.network.l2
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_regularizer=keras.regularizers.L2(decay) if decay else None,
        name=name,
        dtype=precision,
    )


def still(spec: Model, units: int, name: str) -> Any:
    """Make such a layer that begins as nothing: what it adds to, the training starts from."""
    layer = dense(spec, units, name)
    layer.kernel_initializer = keras.initializers.Zeros()
    return layer
