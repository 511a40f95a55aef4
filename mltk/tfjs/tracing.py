"""From a Keras model to one graph without variables."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mltk.errors import ConfigError
from mltk.quiet import native_stderr_dropped
from mltk.tfjs.callee import Callee, portable_dtype
from mltk.tfjs.constants import with_constants
from mltk.tfjs.manifest import DType
from mltk.tfjs.operations import refuse_before_freezing
from mltk.tfjs.portable import portable


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or an output of the graph: `node` is where it is, `name` what clients call it."""

    name: str
    node: str
    shape: tuple[int | None, ...]
    dtype: DType


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A graph without variables. `graph` is a GraphDef, outputs are in the order of their names."""

    graph: Any
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def freeze(called: Callee) -> Frozen:
    """Trace the model for inference and turn its variables into constants.

    Raises ConfigError for what cannot be traced or does not exist in JavaScript.
    """
    specs = [
        tf.TensorSpec(spec.shape, spec.tensorflow_dtype, name=f"port_{index}")
        for index, spec in enumerate(called.inputs)
    ]
    function = tf.function(called, autograph=False)
    with portable(called.model):
        try:
            concrete = function.get_concrete_function(specs)
        except (ValueError, TypeError, NotImplementedError, tf.errors.OpError) as error:
            raise ConfigError(
                f"the model cannot be traced for export: {_plain(error)}",
                where=f"model '{called.model.name}'",
                hint="call the model on some rows: Keras tells more of what it cannot compute",
            ) from error
    refuse_before_freezing(concrete.graph.as_graph_def(), layer_names(called.model))
    graph = with_constants(concrete)
    if graph is None:
        # Grappler reports each session, whatever the log level.
        with native_stderr_dropped():
            frozen = convert_variables_to_constants_v2(concrete, aggressive_inlining=True)
        graph, entries, exits = frozen.graph, frozen.inputs, frozen.outputs
    else:
        # What a function captures comes after its inputs.
        entries = concrete.graph.inputs[: len(specs)]
        exits = [graph.get_tensor_by_name(tensor.name) for tensor in concrete.outputs]
    inputs = tuple(
        Port(spec.name, tensor.op.name, spec.shape, spec.dtype)
        for spec, tensor in zip(called.inputs, entries, strict=True)
    )
    names = sorted(concrete.structured_outputs)
    outputs = tuple(
        Port(name, tensor.op.name, _shape(name, tensor), portable_dtype(tensor.dtype.name, name))
        for name, tensor in zip(names, exits, strict=True)
    )
    _refuse_shared_names(inputs, outputs)
    return Frozen(graph.as_graph_def(), inputs, outputs)


def layer_names(model: Any) -> frozenset[str]:
    """Give the names of all layers, nested ones too."""
    return frozenset(layer.name for layer in model._flatten_layers(include_self=False))


def _plain(error: Exception) -> str:
    """Give the message without Keras' colours and its list of arguments."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("Arguments received")[0]
    return " ".join(text.split())[:400]


def _refuse_shared_names(inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> None:
    taken = {port.name for port in inputs}
    for port in outputs:
        if port.name in taken:
            raise ConfigError(
                f"'{port.name}' is the name of an input and of an output",
                hint="rename one: a client asks the graph for tensors by name",
            )


def _shape(name: str, tensor: Any) -> tuple[int | None, ...]:
    """Give the shape of an output; the batch is open, so a first dimension that is known is not."""
    shape = tensor.shape
    if not shape.rank or shape[0] is not None:
        raise ConfigError(
            f"output '{name}' has shape {shape}, not one row for each row of input",
            hint="keep the batch as the first dimension of every output",
        )
    return tuple(shape.as_list())
