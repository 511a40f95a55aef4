"""The variables of a traced function as constants of its graph.

TensorFlow's own way (`convert_variables_to_constants_v2`) takes functions within the graph apart
as well, and as long for a graph without any as it takes to trace a model.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import tensorflow as tf


def with_constants(concrete: Any) -> Any | None:
    """Give the graph of a traced function, its captures as constants.

    None for a graph that calls functions, or whose variables are more than read.
    """
    filled = _filled(concrete)
    if filled is None:
        return None
    with tf.Graph().as_default() as loaded:
        tf.graph_util.import_graph_def(filled, name="")
    return loaded


def _filled(concrete: Any) -> Any | None:
    graph = concrete.graph.as_graph_def()
    if graph.library.function:
        return None
    variables = {id(variable.handle): variable for variable in concrete.graph.variables}
    values, captured = {}, set()
    for outside, inside in concrete.graph.captures:
        if id(outside) in variables:
            captured.add(inside.op.name)
        elif outside.dtype == tf.resource:
            return None
        values[inside.op.name] = variables.get(id(outside), outside)
    if not _are_read(graph, captured):
        return None
    for node in graph.node:
        if node.name in values:
            _become_constant(node, values[node.name].numpy())
        elif node.op == "ReadVariableOp":
            _become_identity(node)
    return graph


def _are_read(graph: Any, captured: set[str]) -> bool:
    """Whether nothing is done with the variables of a graph but to read these."""
    readers = defaultdict(set)
    for node in graph.node:
        for reference in node.input:
            readers[reference.partition(":")[0].removeprefix("^")].add(node.op)
    kinds = {kind for name in captured for kind in readers[name]}
    return kinds <= {"ReadVariableOp"}


def _become_constant(node: Any, value: Any) -> None:
    made = type(node)(name=node.name, op="Const")
    made.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    made.attr["dtype"].type = made.attr["value"].tensor.dtype
    node.CopyFrom(made)


def _become_identity(node: Any) -> None:
    made = type(node)(name=node.name, op="Identity", input=node.input)
    made.attr["T"].type = node.attr["dtype"].type
    node.CopyFrom(made)
