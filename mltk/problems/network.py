"""The network of a table: preprocessing inside the graph, hidden layers, and a head of scores.

Only operations that the cpu and the wasm backend of TensorFlow.js both compute right: a category
becomes 0/1 by comparing its index with a constant range, because OneHot of floats is silently wrong
on wasm. An index outside the vocabulary becomes all zeros.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array
from mltk.data.dates import Clock
from mltk.problems.backend import keras
from mltk.problems.base import FEATURES
from mltk.problems.imputing import Imputation
from mltk.problems.linear import clocks, moments
from mltk.project.features import starts

if TYPE_CHECKING:
    from mltk.project.features import Text
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


def columns(spec: Model, features: Array) -> tuple[Any, Any]:
    """Begin a graph for training rows [n, W]: its input, and its columns made fit for layers.

    Numbers come first, standardised by the moments of `features`; then categories, 0 or 1; the
    parts of times; the means of words; and whether values are missing, in whose place stands what
    `features` teach.
    """
    inputs = keras.Input((features.shape[1],), name=FEATURES)
    return inputs, _preprocessed(inputs, spec, features)


def hidden(spec: Model, tensor: Any, name: str = "hidden", *, backwards: bool = False) -> Any:
    """Put the hidden layers of the project file on a tensor [n, W]; `backwards` the last first."""
    settings = spec.network
    widths = settings.hidden[::-1] if backwards else settings.hidden
    for position, units in enumerate(widths, start=1):
        tensor = dense(spec, units, f"{name}_{position}", settings.activation)(tensor)
        if settings.dropout:
            seed = spec.seed + position
            tensor = keras.layers.Dropout(settings.dropout, seed=seed)(tensor)
    return tensor


def dense(spec: Model, units: int, name: str, activation: str | None = None) -> Any:
    """Make a layer of neurons with the weight decay of the project file."""
    decay = spec.network.l2
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_regularizer=keras.regularizers.L2(decay) if decay else None,
        name=name,
    )


def still(spec: Model, units: int, name: str) -> Any:
    """Make such a layer that begins as nothing: what it adds to, the training starts from."""
    layer = dense(spec, units, name)
    layer.kernel_initializer = keras.initializers.Zeros()
    return layer


def _preprocessed(inputs: Any, spec: Model, features: Array) -> Any:
    imputation = Imputation.of(features, spec.features)
    gaps = any(feature.missing != "error" for feature in spec.features)
    missing = keras.ops.isnan(inputs) if gaps else None
    whole = _filled(inputs, missing, imputation) if imputation.filled.any() else inputs
    numeric = [start for start, each in starts(spec.features) if each.type == "numeric"]
    known = imputation.whole(features)
    parts = [_standardised(whole, numeric, known)] if numeric else []
    parts += [
        _categories(whole, start, len(feature.values))
        for start, feature in starts(spec.features)
        if feature.type == "categorical"
    ]
    learnt = clocks(features, spec.features)
    parts += [
        _times(inputs, start, learnt[feature.name], missing)
        for start, feature in starts(spec.features)
        if feature.type == "datetime"
    ]
    parts += [
        _words(whole[:, start : start + feature.width], feature, f"words_{start}")
        for start, feature in starts(spec.features)
        if feature.type == "text"
    ]
    if imputation.told:
        parts.append(_taken(keras.ops.cast(missing, "float32"), list(imputation.told)))
    return keras.layers.Concatenate(name="columns")(parts) if len(parts) > 1 else parts[0]


def _categories(inputs: Any, column: int, count: int) -> Any:
    vocabulary = np.arange(count, dtype=np.float32)
    member = keras.ops.equal(inputs[:, column : column + 1], vocabulary)
    return keras.ops.cast(member, "float32")


def _times(inputs: Any, column: int, clock: Clock, missing: Any) -> Any:
    """Give the parts of a time, which the training rows stand in for where it is missing."""
    day, second = inputs[:, column : column + 1], inputs[:, column + 1 : column + 2]
    found = keras.ops.concatenate(clock.columns(day, second, keras.ops), axis=1)
    if clock.feature.missing == "error":
        return found
    fill = np.array(clock.fill, dtype=np.float32)
    return keras.ops.where(missing[:, column : column + 1], fill, found)


def _words(numbers: Any, feature: Text, name: str) -> Any:
    """Give the mean of what is learnt of the words of a text; 0 is no word, and no words are 0."""
    embedding = keras.layers.Embedding(feature.buckets + 1, feature.dimensions, name=name)
    learnt = embedding(keras.ops.cast(numbers, "int32"))
    there = keras.ops.cast(keras.ops.not_equal(numbers, 0.0), "float32")
    total = keras.ops.sum(learnt * keras.ops.expand_dims(there, 2), axis=1)
    return total / keras.ops.maximum(keras.ops.sum(there, axis=1, keepdims=True), 1.0)


def _filled(inputs: Any, missing: Any, imputation: Imputation) -> Any:
    gaps = keras.ops.logical_and(missing, imputation.filled)
    return keras.ops.where(gaps, imputation.fill, inputs)


def _taken(tensor: Any, columns: list[int]) -> Any:
    return tensor if len(columns) == tensor.shape[1] else keras.ops.take(tensor, columns, 1)


def _standardised(inputs: Any, columns: list[int], features: Array) -> Any:
    # Moments in float64 and by hand: the layer's own adapt() adds up float32.
    mean, deviation = moments(features[:, columns])
    layer = keras.layers.Normalization(
        mean=mean.tolist(), variance=(deviation**2).tolist(), name="standardised"
    )
    return layer(_taken(inputs, columns))
