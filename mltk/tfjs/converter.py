"""From a frozen graph to the files that TensorFlow.js loads.

The operation lists, the weight format and the quantization are those of the tensorflowjs package.
The passes over the graph are our own: the stock converter fuses activations that no backend has.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo
from tensorflow.python.grappler import tf_optimizer

from mltk.errors import ConfigError
from mltk.tfjs import graph as graphs
from mltk.tfjs import stock
from mltk.tfjs.manifest import Quantization
from mltk.tfjs.operations import refuse_unsupported
from mltk.tfjs.tracing import Frozen, Port

MODEL_FILE = "model.json"

# The converter's own passes but for `remap`: it makes _FusedMatMul and _FusedConv2D with
# activations and biases that the backends refuse when the model runs.
_PASSES = ("pruning", "constfold", "arithmetic", "dependency") * 2


@dataclasses.dataclass(frozen=True)
class Converted:
    """A graph as it will be written; `quantized` names the weights that lose precision.

    `origins` gives the name that a node had when Keras made it.
    """

    graph: Any
    origins: Mapping[str, str]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    quantization: Quantization
    quantized: tuple[str, ...]


def convert(frozen: Frozen, layers: frozenset[str]) -> Converted:
    """Bring a frozen graph into the form that all backends run.

    Raises ConfigError, naming the layer, when TensorFlow.js lacks an operation, and when an input
    has no influence on any output.
    """
    first = graphs.canonical(
        graphs.rewritten(frozen.graph), _public(frozen.inputs), _public(frozen.outputs)
    )
    _refuse_unused(frozen.inputs, first.graph)
    inputs, outputs = _renamed(frozen.inputs), _renamed(frozen.outputs)
    optimized = _optimize(first.graph, inputs, outputs)
    last = graphs.canonical(optimized, _public(inputs), _public(outputs))
    origins = {name: first.origins.get(former, "") for name, former in last.origins.items()}
    refuse_unsupported(
        last.graph, stock.converter.validate(last.graph, False, False), origins, layers
    )
    return Converted(last.graph, origins, inputs, outputs, "none", ())


def quantize(converted: Converted, quantization: Quantization) -> Converted:
    """Have the weight matrices of a graph stored in another type."""
    quantized = () if quantization == "none" else graphs.kernels(converted.graph)
    return dataclasses.replace(converted, quantization=quantization, quantized=quantized)


def weight_bytes(converted: Converted) -> int:
    """Tell how long the weights will be on disk."""
    total = 0
    for node in converted.graph.node:
        if node.op == "Const":
            values = _narrow(tf.make_ndarray(node.attr["value"].tensor))
            small = node.name in converted.quantized
            kind = _stored_as(converted.quantization) if small else values.dtype
            total += values.size * np.dtype(kind).itemsize
    return total


def write(converted: Converted, folder: Path) -> None:
    """Write model.json and its weight shards; the same graph gives the same bytes."""
    graph = type(converted.graph)()
    graph.CopyFrom(converted.graph)
    weights = stock.converter.extract_weights(graph)
    for entry in (entry for group in weights for entry in group):
        entry["data"] = _narrow(entry["data"])
    keys = [port.name for port in converted.outputs]
    path = folder / MODEL_FILE
    stock.converter.write_artifacts(
        stock.converter.MessageToDict(graph),
        weights,
        str(path),
        tf.__version__,
        _signature(converted.inputs, converted.outputs),
        quantization_dtype_map=_quantization_map(converted),
        metadata={"structuredOutputKeys": keys},
    )
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps(content, sort_keys=True, separators=(",", ":")), encoding="utf-8")


def run(converted: Converted, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Compute the outputs in TensorFlow with the weights as a client will see them."""
    graph = _dequantized(converted)

    def load() -> None:
        tf.graph_util.import_graph_def(graph, name="")

    loaded = tf.compat.v1.wrap_function(load, [])
    by_name = {port.name: f"{port.node}:0" for port in (*converted.inputs, *converted.outputs)}
    element = loaded.graph.as_graph_element
    function = loaded.prune(
        [element(by_name[port.name]) for port in converted.inputs],
        {port.name: element(by_name[port.name]) for port in converted.outputs},
    )
    results = function(*(tf.constant(inputs[port.name]) for port in converted.inputs))
    return {name: tensor.numpy() for name, tensor in results.items()}


def _dequantized(converted: Converted) -> Any:
    graph = type(converted.graph)()
    graph.CopyFrom(converted.graph)
    for node in graph.node:
        if node.name in converted.quantized:
            exact = tf.make_ndarray(node.attr["value"].tensor)
            data, scale = stock.quantization.quantize_weights(
                exact, _stored_as(converted.quantization)
            )
            coarse = stock.quantization.dequantize_weights(data, scale, np.float32)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(coarse))
    return graph


def _stored_as(quantization: Quantization) -> Any:
    return stock.quantization.QUANTIZATION_OPTION_TO_DTYPES[quantization]


def _quantization_map(converted: Converted) -> dict[str, list[str]] | None:
    if not converted.quantized:
        return None
    return {converted.quantization: list(converted.quantized)}


def _optimize(graph: Any, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Any:
    config = ConfigProto()
    options = config.graph_options.rewrite_options
    options.optimizers.extend(_PASSES)
    # Grappler leaves small graphs alone otherwise, and they are what tests and many users have.
    options.min_graph_nodes = -1
    with tf.Graph().as_default() as loaded:
        tf.graph_util.import_graph_def(graph, name="")
        meta_graph = tf.compat.v1.train.export_meta_graph(graph_def=graph, graph=loaded)
    meta_graph.signature_def["serving_default"].CopyFrom(_signature(inputs, outputs))
    return tf_optimizer.OptimizeGraph(config, meta_graph, cluster=stock.converter.get_cluster())


def _signature(inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Any:
    def info(port: Port) -> Any:
        return TensorInfo(
            name=f"{port.node}:0",
            dtype=tf.as_dtype(port.dtype).as_datatype_enum,
            tensor_shape=tf.TensorShape(port.shape).as_proto(),
        )

    return SignatureDef(
        inputs={port.name: info(port) for port in inputs},
        outputs={port.name: info(port) for port in outputs},
    )


def _narrow(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """TensorFlow.js knows 32-bit numbers; wider ones must fit."""
    if data.dtype == np.int64:
        if data.size and np.abs(data).max() > np.iinfo(np.int32).max:
            # A bound such as "to the end of the axis" is meant where this large; keep it so.
            data = np.clip(data, np.iinfo(np.int32).min, np.iinfo(np.int32).max)
        return data.astype(np.int32)
    if data.dtype in (np.float16, np.float64):
        return data.astype(np.float32)
    return data


def _refuse_unused(inputs: tuple[Port, ...], graph: Any) -> None:
    present = {node.name for node in graph.node}
    for port in inputs:
        if port.name not in present:
            raise ConfigError(
                f"no output depends on input '{port.name}'", hint="leave the input out of the model"
            )


def _public(ports: tuple[Port, ...]) -> dict[str, str]:
    return {port.node: port.name for port in ports}


def _renamed(ports: tuple[Port, ...]) -> tuple[Port, ...]:
    return tuple(dataclasses.replace(port, node=port.name) for port in ports)
