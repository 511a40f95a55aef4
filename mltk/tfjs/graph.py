"""Rewrites of a frozen graph, so that every TensorFlow.js backend computes what Keras does.

All of it works on GraphDef protocol buffers and touches neither disk nor session.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from mltk.tfjs.rewrites import REWRITES

KERNEL_INPUT: Mapping[str, int] = {
    "MatMul": 1,
    "BatchMatMul": 1,
    "BatchMatMulV2": 1,
    "Conv2D": 1,
    "Conv2DBackpropInput": 1,
    "Conv3D": 1,
    "DepthwiseConv2dNative": 1,
    "Einsum": 1,
    "GatherV2": 0,
}
"""Which input of an operation is its weight matrix."""


@dataclasses.dataclass(frozen=True)
class Canonical:
    """A graph whose node names and order follow from its structure alone.

    `origins` gives the former name by the new one.
    """

    graph: Any
    origins: Mapping[str, str]


def canonical(graph: Any, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> Canonical:
    """Keep what the outputs depend on, in one order, under names that do not tell the history.

    `inputs` and `outputs` give the public name by the node. Layer names carry a count of the
    process, and Grappler's order follows names: without this the same model would not give the
    same bytes twice. Equal constants become one; an unrolled layer repeats its weights each step.
    """
    nodes = {node.name: node for node in graph.node}
    names = dict(inputs)
    renamed = type(graph)()
    renamed.versions.CopyFrom(graph.versions)
    renamed.library.CopyFrom(graph.library)
    constants: dict[tuple[int, bytes], str] = {}
    origins: dict[str, str] = {}
    for name in _in_order(nodes, sorted(outputs, key=lambda node: outputs[node])):
        node = nodes[name]
        if node.op == "Const" and name not in outputs:
            tensor = node.attr["value"].tensor
            key = (tensor.dtype, tensor.SerializeToString(deterministic=True))
            if key in constants:
                names[name] = constants[key]
                continue
            constants[key] = f"{node.op}/{len(origins)}"
        names.setdefault(name, outputs.get(name) or f"{node.op}/{len(origins)}")
        origins[names[name]] = name
        _copy(node, names, renamed.node.add())
    return Canonical(renamed, origins)


def rewritten(graph: Any) -> Any:
    """Replace operations that TensorFlow.js lacks or gets wrong by ones that every backend has."""
    affected = [node for node in graph.node if node.op in REWRITES]
    if not affected:
        return graph
    # TensorFlow infers shapes when it loads a graph; the rewrites ask for them.
    with tf.Graph().as_default() as loaded:
        tf.graph_util.import_graph_def(graph, name="")
        replaced = {node.name: _replacement(loaded, node) for node in affected}
    result = loaded.as_graph_def()
    for node in result.node:
        tensor = replaced.get(node.name)
        if tensor is not None:
            former = type(node)(name=node.name, op="Identity", input=[tensor.name])
            former.attr["T"].type = tensor.dtype.as_datatype_enum
            node.CopyFrom(former)
    return result


def _replacement(loaded: Any, node: Any) -> Any:
    inputs = [
        loaded.get_tensor_by_name(reference if ":" in reference else f"{reference}:0")
        for reference in node.input
        if not reference.startswith("^")
    ]
    # Below the name of the node, so that its layer can be told from each part.
    with tf.name_scope(f"{node.name}/rewritten/"):
        return REWRITES[node.op](node, inputs)


def kernels(graph: Any, least: int = 64) -> tuple[str, ...]:
    """Name the constants that are weight matrices of at least `least` values.

    These are what quantization is for. Biases and the means and scales of a Normalization stay
    exact: they are few, and one scale for values of many units would ruin them.
    """
    sizes = {
        node.name: int(np.prod([dim.size for dim in node.attr["value"].tensor.tensor_shape.dim]))
        for node in graph.node
        if node.op == "Const"
    }
    weights = {
        source(node.input[KERNEL_INPUT[node.op]]) for node in graph.node if node.op in KERNEL_INPUT
    }
    return tuple(sorted(name for name in weights if sizes.get(name, 0) >= least))


def source(reference: str) -> str:
    """Give the node of an input reference such as ``Split/3:1``."""
    return reference.partition(":")[0]


def _in_order(nodes: Mapping[str, Any], roots: Iterable[str]) -> Iterable[str]:
    """Give the nodes that `roots` depend on, each after those that it reads.

    Control edges are left behind: the graph has no side effects whose order would matter.
    """
    done: dict[str, None] = {}
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        name, expanded = stack.pop()
        if name in done:
            continue
        if expanded:
            done[name] = None
            continue
        stack.append((name, True))
        reads = [source(item) for item in nodes[name].input if not item.startswith("^")]
        stack.extend((read, False) for read in reversed(reads) if read not in done)
    return done


def _copy(node: Any, names: Mapping[str, str], target: Any) -> None:
    target.name = names[node.name]
    target.op = node.op
    for reference in node.input:
        if not reference.startswith("^"):
            name, separator, index = reference.partition(":")
            target.input.append(names[name] + separator + index)
    for key, value in node.attr.items():
        if not key.startswith("_"):
            target.attr[key].CopyFrom(value)
