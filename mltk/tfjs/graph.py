"""Rewrites of a frozen graph, so that every TensorFlow.js backend computes what Keras does.

All of it works on GraphDef protocol buffers and touches neither disk nor session.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mltk.tfjs.einsum import as_product

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
    result = type(graph)()
    result.versions.CopyFrom(graph.versions)
    result.library.CopyFrom(graph.library)
    writer = _Writer(result, graph)
    for node in graph.node:
        rewrite = _REWRITES.get(node.op)
        if rewrite is None or not rewrite(writer, node):
            writer.copy(node)
    return result


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


class _Writer:
    """Adds nodes to a graph that is made from `former`."""

    def __init__(self, graph: Any, former: Any) -> None:
        self._graph = graph
        self._former = former

    @functools.cached_property
    def _loaded(self) -> Any:
        # TensorFlow infers shapes when it loads a graph; only some rewrites ask for them.
        with tf.Graph().as_default() as loaded:
            tf.graph_util.import_graph_def(self._former, name="")
        return loaded

    def shape(self, reference: str) -> tuple[int | None, ...] | None:
        """Give the shape of a tensor of the former graph; None when even its rank is open."""
        name, _, index = reference.partition(":")
        shape = self._loaded.get_tensor_by_name(f"{name}:{index or 0}").shape
        return None if shape.rank is None else tuple(shape.as_list())

    def constant(self, name: str, value: Any, dtype: int) -> str:
        node = self._graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = dtype
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype=tf.as_dtype(dtype)))
        return name

    def operation(self, name: str, op: str, inputs: Iterable[str], **types: int) -> str:
        node = self._graph.node.add(name=name, op=op, input=inputs)
        for key, dtype in types.items():
            node.attr[key].type = dtype
        return name

    def copy(self, node: Any) -> None:
        self._graph.node.add().CopyFrom(node)


def _erfc(writer: _Writer, node: Any) -> bool:
    """erfc(x) = 1 - erf(x): there is no kernel for Erfc."""
    name, dtype = node.name, node.attr["T"].type
    one = writer.constant(f"{name}/one", 1.0, dtype)
    erf = writer.operation(f"{name}/erf", "Erf", [node.input[0]], T=dtype)
    writer.operation(name, "Sub", [one, erf], T=dtype)
    return True


def _bucketize(writer: _Writer, node: Any) -> bool:
    """The bucket of x is the number of boundaries it reaches: there is no kernel for Bucketize."""
    name, dtype, int32 = node.name, node.attr["T"].type, tf.int32.as_datatype_enum
    boundaries = writer.constant(f"{name}/at", list(node.attr["boundaries"].list.f), dtype)
    last = writer.constant(f"{name}/last", -1, int32)
    wide = writer.operation(
        f"{name}/wide", "ExpandDims", [node.input[0], last], T=dtype, Tdim=int32
    )
    reached = writer.operation(f"{name}/reached", "GreaterEqual", [wide, boundaries], T=dtype)
    ones = writer.operation(
        f"{name}/ones", "Cast", [reached], SrcT=tf.bool.as_datatype_enum, DstT=int32
    )
    axes = writer.constant(f"{name}/axes", [-1], int32)
    writer.operation(name, "Sum", [ones, axes], T=int32, Tidx=int32)
    return True


def _one_hot(writer: _Writer, node: Any) -> bool:
    """Let OneHot give integers, and scale them: off + one_hot * (on - off).

    The wasm backend of TensorFlow.js 4.22 writes the bits of an integer into a float result.
    """
    name, dtype, int32 = node.name, node.attr["T"].type, tf.int32.as_datatype_enum
    if dtype in (int32, tf.bool.as_datatype_enum):
        return False
    on, off = node.input[2:4]
    hot = type(node)()
    hot.CopyFrom(node)
    hot.name, hot.attr["T"].type = f"{name}/hot", int32
    hot.input[2:4] = [writer.constant(f"{name}/{value}", value, int32) for value in (1, 0)]
    writer.copy(hot)
    cast = writer.operation(f"{name}/cast", "Cast", [hot.name], SrcT=int32, DstT=dtype)
    span = writer.operation(f"{name}/span", "Sub", [on, off], T=dtype)
    scaled = writer.operation(f"{name}/scaled", "Mul", [cast, span], T=dtype)
    writer.operation(name, "AddV2", [scaled, off], T=dtype)
    return True


def _einsum(writer: _Writer, node: Any) -> bool:
    """Compute an Einsum as a matrix product: the wasm backend has no kernel for Einsum."""
    shapes = [writer.shape(operand) for operand in node.input]
    if len(shapes) != 2 or shapes[0] is None or shapes[1] is None:
        return False
    plan = as_product(node.attr["equation"].s.decode(), shapes[0], shapes[1])
    if plan is None:
        return False
    name, dtype, int32 = node.name, node.attr["T"].type, tf.int32.as_datatype_enum

    def transposed(part: str, operand: str, order: Sequence[int]) -> str:
        axes = writer.constant(f"{part}/order", list(order), int32)
        return writer.operation(part, "Transpose", [operand, axes], T=dtype, Tperm=int32)

    def reshaped(part: str, operand: str, shape: Sequence[int]) -> str:
        sizes = writer.constant(f"{part}/shape", list(shape), int32)
        return writer.operation(part, "Reshape", [operand, sizes], T=dtype, Tshape=int32)

    left = transposed(f"{name}/left", node.input[0], plan.left_order)
    left = reshaped(f"{name}/rows", left, plan.left_shape)
    right = transposed(f"{name}/right", node.input[1], plan.right_order)
    right = reshaped(f"{name}/columns", right, plan.right_shape)
    product = writer.operation(f"{name}/product", "BatchMatMulV2", [left, right], T=dtype)
    transposed(name, reshaped(f"{name}/parts", product, plan.shape), plan.order)
    return True


def _softsign(writer: _Writer, node: Any) -> bool:
    """softsign(x) = x / (1 + |x|): there is no kernel for Softsign."""
    name, dtype = node.name, node.attr["T"].type
    one = writer.constant(f"{name}/one", 1.0, dtype)
    size = writer.operation(f"{name}/size", "Abs", [node.input[0]], T=dtype)
    below = writer.operation(f"{name}/below", "AddV2", [size, one], T=dtype)
    writer.operation(name, "RealDiv", [node.input[0], below], T=dtype)
    return True


def _pass_through(writer: _Writer, node: Any) -> bool:
    """A debugging aid gives its input back."""
    writer.operation(node.name, "Identity", [node.input[0]], T=node.attr["T"].type)
    return True


_REWRITES: Mapping[str, Callable[[_Writer, Any], bool]] = {
    "Einsum": _einsum,
    "Erfc": _erfc,
    "Bucketize": _bucketize,
    "OneHot": _one_hot,
    "Softsign": _softsign,
    "CheckNumerics": _pass_through,
}
