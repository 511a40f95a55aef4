"""A Keras model behind inputs and outputs whose names stay.

Keras numbers tensors by process (``keras_tensor_14``). A name that Keras made up is replaced here,
so that the same model has the same signature wherever it is exported.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mltk.data.arrays import Array
from mltk.errors import ConfigError
from mltk.tfjs.manifest import DType
from mltk.tfjs.portable import in_float32

Sample = Array | Mapping[str, Array] | Sequence[Array]

_PORT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_MADE_UP = re.compile(r"(keras_tensor|input_layer)(_\d+)?")


@dataclasses.dataclass(frozen=True)
class InputSpec:
    """What the model takes: `keras_name` is Keras' own name of it, `tensorflow_dtype` too."""

    name: str
    keras_name: str
    shape: tuple[int | None, ...]
    dtype: DType
    tensorflow_dtype: str


@dataclasses.dataclass(frozen=True)
class Callee:
    """A Keras model behind a flat list of inputs and a dict of outputs."""

    model: Any
    inputs: tuple[InputSpec, ...]
    pack: Callable[[list[Any]], Any]

    def __call__(self, tensors: Sequence[Any]) -> dict[str, Any]:
        """Call the model for inference."""
        # TensorFlow takes any model name inside of a scope, and not every one at the root.
        with tf.name_scope("model"), in_float32(self.model):
            return _named(self.model(self.pack(list(tensors)), training=False))

    def arrange(self, sample: Sample) -> list[Array]:
        """Bring the arrays of `sample` into the order and types of the inputs.

        Raises ConfigError when an input is missing or its rows have another shape.
        """
        arrays = _by_input(sample, self.inputs)
        return [_fitting(array, spec) for array, spec in zip(arrays, self.inputs, strict=True)]


def callee(model: Any, sample: Sample | None) -> Callee:
    """Find the inputs of `model`: those it declares, else (subclassed) those of `sample`."""
    if sample is not None and not model.built:
        model(_for_keras(sample), training=False)
    declared = getattr(model, "inputs", None)
    if declared:
        # A Sequential that was never called has no `input`, but it takes one tensor anyway.
        structure = declared[0] if isinstance(model, keras.Sequential) else model.input
        specs = _specs([(tensor.name, tensor.shape, tensor.dtype) for tensor in declared])
        return Callee(model, specs, lambda tensors: keras.tree.pack_sequence_as(structure, tensors))
    if sample is None:
        raise ConfigError(
            f"model '{model.name}' does not tell its inputs", hint="give a sample of them"
        )
    return _called_with(model, sample)


def _called_with(model: Any, sample: Sample) -> Callee:
    named = sample if isinstance(sample, Mapping) else None
    arrays = list(named.values()) if named else _listed(sample)
    names = list(named) if named else ["input_layer"] * len(arrays)
    shapes = [np.shape(array) for array in arrays]
    dtypes = [np.asarray(array).dtype.name for array in arrays]
    specs = _specs(list(zip(names, shapes, dtypes, strict=True)))
    if named:
        return Callee(model, specs, lambda tensors: dict(zip(names, tensors, strict=True)))
    single = not isinstance(sample, (list, tuple))
    return Callee(model, specs, lambda tensors: tensors[0] if single else tensors)


def _specs(declared: Sequence[tuple[str, Any, str]]) -> tuple[InputSpec, ...]:
    specs = []
    for index, (keras_name, shape, dtype) in enumerate(declared):
        name = keras_name
        if _MADE_UP.fullmatch(keras_name):
            name = "input" if len(declared) == 1 else f"input_{index}"
        _check_name("input", name)
        # A Sequential without an Input has the batch size of its first call; a client has its own.
        open_shape = (None, *shape[1:])
        specs.append(InputSpec(name, keras_name, open_shape, portable_dtype(dtype, name), dtype))
    return tuple(specs)


def _named(outputs: Any) -> dict[str, Any]:
    if isinstance(outputs, Mapping):
        named = {str(name): tensor for name, tensor in outputs.items()}
    elif isinstance(outputs, (list, tuple)):
        named = {f"output_{index}": tensor for index, tensor in enumerate(outputs)}
    else:
        named = {"output": outputs}
    for name, tensor in named.items():
        _check_name("output", name)
        if isinstance(tensor, (Mapping, list, tuple)):
            raise ConfigError(
                f"output '{name}' is itself a structure", hint="return one flat dict of tensors"
            )
    return named


def _check_name(kind: str, name: str) -> None:
    if not _PORT_NAME.fullmatch(name):
        raise ConfigError(
            f"{kind} name '{name}' cannot be used in JavaScript",
            hint="take letters, digits, '_', '.' and '-', beginning with a letter",
        )


def portable_dtype(name: str, port: str) -> DType:
    """The type in JavaScript for NumPy's `name`; ConfigError, naming the `port`, for none."""
    if name in ("float32", "float64", "float16", "bfloat16"):
        return "float32"
    if name == "bool":
        return "bool"
    if name in ("int8", "uint8", "int16", "uint16", "int32", "int64"):
        return "int32"
    raise ConfigError(
        f"'{port}' is of type {name}, which a TensorFlow.js model cannot take or give",
        hint="feed numbers: a category goes in as the index of its value",
    )


def _by_input(sample: Sample, specs: Sequence[InputSpec]) -> list[Array]:
    if isinstance(sample, Mapping):
        try:
            return [
                sample[spec.name] if spec.name in sample else sample[spec.keras_name]
                for spec in specs
            ]
        except KeyError as error:
            raise ConfigError(f"the sample has no rows for input {error}") from None
    arrays = _listed(sample)
    if len(arrays) != len(specs):
        raise ConfigError(f"the sample has {len(arrays)} arrays for {len(specs)} inputs")
    return arrays


def _listed(sample: Any) -> list[Array]:
    return list(sample) if isinstance(sample, (list, tuple)) else [sample]


def _for_keras(sample: Sample) -> Any:
    if isinstance(sample, Mapping):
        return {name: np.asarray(array) for name, array in sample.items()}
    arrays = [np.asarray(array) for array in _listed(sample)]
    return arrays if isinstance(sample, (list, tuple)) else arrays[0]


def _fitting(array: Any, spec: InputSpec) -> Array:
    rows: Array = np.asarray(array).astype(spec.tensorflow_dtype)
    fits = rows.ndim == len(spec.shape) and all(
        wanted in (None, found) for wanted, found in zip(spec.shape, rows.shape, strict=True)
    )
    if not fits:
        raise ConfigError(
            f"the sample's rows for input '{spec.name}' have shape {rows.shape}, "
            f"the model takes {spec.shape}"
        )
    return rows
