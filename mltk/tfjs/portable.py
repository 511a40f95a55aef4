"""A Keras model while it is traced: what TensorFlow.js cannot do is done in another way.

Nothing of it changes the model for good.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from mltk.errors import ConfigError

_HALF = ("float16", "bfloat16")


@contextlib.contextmanager
def portable(model: Any) -> Iterator[None]:
    """Let recurrent layers be unrolled, functions be inlined and lookups be comparisons.

    TensorFlow.js runs loops on one backend only, and not in ``predict``; functions for XLA stay
    calls in a graph; tables are not constants.
    """
    layers = list(model._flatten_layers())
    looping = [layer for layer in layers if getattr(layer, "unroll", None) is False]
    tables = [layer for layer in layers if isinstance(layer, keras.layers.IntegerLookup)]
    for layer in looping:
        _refuse_open_steps(layer)
    with contextlib.ExitStack() as stack:
        for layer in looping:
            stack.enter_context(_set(layer, "unroll", True))
        for layer in tables:
            stack.enter_context(_set(layer, "lookup_table", _Comparison(layer.lookup_table)))
        stack.callback(tf.config.run_functions_eagerly, tf.config.functions_run_eagerly())
        tf.config.run_functions_eagerly(True)
        yield


@contextlib.contextmanager
def in_float32(model: Any) -> Iterator[None]:
    """Let layers compute in float32 that learnt in half precision: TensorFlow.js has no other."""
    with contextlib.ExitStack() as stack:
        for layer in model._flatten_layers():
            if layer.compute_dtype in _HALF:
                policy = keras.DTypePolicy("float32")
                # Weights stay as they are stored, and are cast when they are read.
                policy._variable_dtype = layer.variable_dtype
                stack.enter_context(_set(layer, "dtype_policy", policy))
        yield


class _Comparison:
    """The lookup of whole numbers without a table: each key is compared."""

    def __init__(self, table: Any) -> None:
        keys, values = (tensor.numpy() for tensor in table.export())
        # A table gives its keys in an order of the process.
        order = keys.argsort()
        self._keys, self._values = keys[order], values[order]
        self._default = table._default_value.numpy()

    def lookup(self, inputs: Any) -> Any:
        found = tf.equal(inputs[..., tf.newaxis], self._keys)
        gain = tf.constant(self._values - self._default)
        return tf.reduce_sum(tf.where(found, gain, tf.zeros_like(gain)), -1) + self._default


@contextlib.contextmanager
def _set(layer: Any, name: str, value: Any) -> Iterator[None]:
    former = getattr(layer, name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        setattr(layer, name, former)


def _refuse_open_steps(layer: Any) -> None:
    # A layer inside of another one has no input of its own; tracing judges those.
    with contextlib.suppress(AttributeError):
        if layer.input.shape[1] is None:
            raise ConfigError(
                f"layer '{layer.name}' is recurrent over an open number of steps",
                hint="give the number: keras.Input(shape=(steps, values))",
            )
