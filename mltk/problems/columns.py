"""The columns that the layers of a network see, made of the raw features inside of the graph.

Only operations that the cpu and the wasm backend of TensorFlow.js both compute right: a category
becomes 0/1 by comparing its index with a constant range, because OneHot of floats is silently wrong
on wasm. An index outside the vocabulary becomes all zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.arrays import Array
from mltk.data.dates import Clock
from mltk.problems.backend import keras
from mltk.problems.base import FEATURES
from mltk.problems.imputing import Imputation
from mltk.problems.linear import moments
from mltk.project.features import starts

if TYPE_CHECKING:
    from mltk.project.blocks import Image, Series
    from mltk.project.features import Text
    from mltk.project.spec import Model

ops = keras.ops


def columns(spec: Model, features: Array) -> tuple[Any, Any]:
    """Begin a graph for training rows [n, W]: its input, and its columns made fit for layers.

    Numbers come first, standardised by the moments of `features`; then what the others become, in
    their order; then whether values are missing, in whose place stands what `features` teach.
    """
    inputs = keras.Input((features.shape[1],), name=FEATURES)
    return inputs, _preprocessed(inputs, spec, features)


def _preprocessed(inputs: Any, spec: Model, features: Array) -> Any:
    imputation = Imputation.of(features, spec.features)
    gaps = any(feature.missing != "error" for feature in spec.features)
    missing = ops.isnan(inputs) if gaps else None
    whole = _filled(inputs, missing, imputation) if imputation.filled.any() else inputs
    numeric = [start for start, each in starts(spec.features) if each.type == "numeric"]
    parts = [_standardised(whole, numeric, imputation.whole(features))] if numeric else []
    for start, feature in starts(spec.features):
        place = slice(start, start + feature.width)
        if feature.type == "datetime":
            clock = Clock.of(features[:, place], feature)
            parts.append(_times(inputs[:, place], clock, missing, start))
        elif feature.type != "numeric":
            parts.append(_seen(whole[:, place], features[:, place], feature, spec, start))
    if imputation.told:
        parts.append(_taken(ops.cast(missing, "float32"), list(imputation.told)))
    return keras.layers.Concatenate(name="columns")(parts) if len(parts) > 1 else parts[0]


def _seen(tensor: Any, known: Array, feature: Any, spec: Model, start: int) -> Any:
    """Give what the layers see of a feature; its place `start` names the weights that it has."""
    name = f"{feature.type}_{start}"
    if feature.type == "categorical":
        return _categories(tensor, len(feature.values))
    if feature.type == "text":
        return _words(tensor, feature, name)
    see = _image if feature.type == "image" else _sequence
    return see(_scaled(tensor, known), feature, spec, name)


def _filled(inputs: Any, missing: Any, imputation: Imputation) -> Any:
    gaps = ops.logical_and(missing, imputation.filled)
    return ops.where(gaps, imputation.fill, inputs)


def _taken(tensor: Any, columns: list[int]) -> Any:
    return tensor if len(columns) == tensor.shape[1] else ops.take(tensor, columns, 1)


def _standardised(inputs: Any, columns: list[int], features: Array) -> Any:
    # Moments in float64 and by hand: the layer's own adapt() adds up float32.
    mean, deviation = moments(features[:, columns])
    layer = keras.layers.Normalization(
        mean=mean.tolist(), variance=(deviation**2).tolist(), name="standardised"
    )
    return layer(_taken(inputs, columns))


def _categories(indices: Any, count: int) -> Any:
    vocabulary = np.arange(count, dtype=np.float32)
    return ops.cast(ops.equal(indices, vocabulary), "float32")


def _times(shown: Any, clock: Clock, missing: Any, column: int) -> Any:
    """Give the parts of a time, which the training rows stand in for where it is missing."""
    found = ops.concatenate(clock.columns(shown[:, :1], shown[:, 1:], ops), axis=1)
    if clock.feature.missing == "error":
        return found
    fill = np.array(clock.fill, dtype=np.float32)
    return ops.where(missing[:, column : column + 1], fill, found)


def _words(numbers: Any, feature: Text, name: str) -> Any:
    """Give the mean of what is learnt of the words of a text; 0 is no word, and no words are 0."""
    layer = keras.layers.Embedding(feature.buckets + 1, feature.dimensions, name=name)
    learnt = layer(ops.cast(numbers, "int32"))
    there = ops.cast(ops.not_equal(numbers, 0.0), "float32")
    total = ops.sum(learnt * ops.expand_dims(there, 2), axis=1)
    return total / ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)


def _scaled(numbers: Any, known: Array) -> Any:
    """Standardise all numbers of a feature alike: what differs between them is what is seen."""
    mean, deviation = (float(moment[0]) for moment in moments(known.reshape(-1, 1)))
    return (numbers - mean) / deviation


def _image(numbers: Any, feature: Image, spec: Model, name: str) -> Any:
    """Convolve 3x3 and halve by the largest of 2x2, once for each of `filters`."""
    tensor = ops.reshape(numbers, (-1, *feature.dimensions))
    for turn, filters in enumerate(feature.filters, start=1):
        tensor = _convolved(keras.layers.Conv2D, tensor, filters, spec, f"{name}_{turn}")
        if min(tensor.shape[1:3]) > 1:
            tensor = keras.layers.MaxPooling2D(2, name=f"{name}_{turn}_pooled")(tensor)
    return keras.layers.Flatten(name=f"{name}_seen")(tensor)


def _sequence(numbers: Any, feature: Series, spec: Model, name: str) -> Any:
    """Give what a convolution of 3 sees at each step, or the last state of a GRU."""
    tensor = ops.expand_dims(numbers, 2)
    if feature.layer == "gru":
        return keras.layers.GRU(feature.units, name=name)(tensor)
    found = _convolved(keras.layers.Conv1D, tensor, feature.units, spec, name)
    return keras.layers.Flatten(name=f"{name}_seen")(found)


def _convolved(kind: Any, tensor: Any, filters: int, spec: Model, name: str) -> Any:
    settings = spec.network
    decay = keras.regularizers.L2(settings.l2) if settings.l2 else None
    layer = kind(
        filters,
        3,
        padding="same",
        activation=settings.activation,
        kernel_regularizer=decay,
        name=name,
    )
    return layer(tensor)
