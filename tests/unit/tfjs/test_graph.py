"""The rewrites, judged by TensorFlow itself: a rewritten graph computes what it did before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mltk.problems.backend import tf
from mltk.tfjs.graph import canonical, kernels, rewritten

X = np.linspace(-3, 3, 24, dtype=np.float32).reshape(6, 4)
INDICES = tf.constant([0, 2, 1, 3])


def _graph(function: Callable[[Any], Any]) -> tuple[Any, str, str]:
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec((None, 4), tf.float32))
    return (
        concrete.graph.as_graph_def(),
        concrete.inputs[0].op.name,
        concrete.outputs[0].op.name,
    )


def _run(graph: Any, start: str, end: str) -> Any:
    loaded = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    element = loaded.graph.as_graph_element
    return loaded.prune(element(f"{start}:0"), element(f"{end}:0"))(tf.constant(X)).numpy()


def _volume(x: Any) -> Any:
    return tf.reshape(tf.tile(x, [1, 4]), [-1, 2, 2, 2, 2]) - 4.0


def _transposed(x: Any, padding: str, size: int) -> Any:
    kernel = tf.constant(np.arange(54, dtype=np.float32).reshape(3, 3, 3, 1, 2) / 50)
    shape = tf.stack([tf.shape(x)[0], size, size, size, 1])
    return tf.nn.conv3d_transpose(_volume(x), kernel, shape, 2, padding)


@pytest.mark.parametrize(
    ("function", "gone"),
    [
        (tf.math.erfc, "Erfc"),
        (tf.math.softsign, "Softsign"),
        (lambda x: tf.debugging.check_numerics(x, "m") * 2, "CheckNumerics"),
        (lambda x: tf.raw_ops.Bucketize(input=x, boundaries=[-1.0, 0.0, 2.5]), "Bucketize"),
        (lambda x: tf.roll(x, [1, -2], [1, 1]), "Roll"),
        (lambda x: tf.linalg.band_part(x[:, :, None] * x[:, None], 1, -1), "MatrixBandPart"),
        (lambda x: tf.einsum("ab,cb->ca", x, x), "Einsum"),
        (
            lambda x: tf.bitwise.bitwise_and(
                tf.bitcast(tf.where(x > 0, -0.0, x), tf.int32), tf.int32.min
            ),
            "BitwiseAnd",
        ),
        *(
            (lambda x, p=p: tf.nn.max_pool3d(_volume(x), [1, 2, 1, 2, 1], 2, p), "MaxPool3D")
            for p in ("SAME", "VALID")
        ),
        *(
            (lambda x, p=p, size=size: _transposed(x, p, size), "Conv3DBackpropInputV2")
            for p, size in (("SAME", 4), ("VALID", 5), ("SAME", 3), ("VALID", 6))
        ),
    ],
)
def test_an_operation_is_replaced_by_others_that_give_the_same(
    function: Callable[[Any], Any], gone: str
) -> None:
    graph, start, end = _graph(function)
    result = rewritten(graph)
    assert gone in {node.op for node in graph.node}
    assert gone not in {node.op for node in result.node}
    np.testing.assert_allclose(_run(result, start, end), _run(graph, start, end), atol=1e-6)


def test_an_axis_is_counted_from_the_front() -> None:
    graph, start, end = _graph(lambda x: tf.cumsum(x, axis=-1, exclusive=True, reverse=True))
    result = rewritten(graph)
    (node,) = (node for node in result.node if node.op == "Cumsum")
    (axis,) = (
        tf.make_ndarray(n.attr["value"].tensor)
        for n in result.node
        if n.name in node.input and n.op == "Const"
    )
    assert axis == 1
    np.testing.assert_array_equal(_run(result, start, end), _run(graph, start, end))


def test_no_more_than_four_dimensions_are_padded() -> None:
    graph, start, end = _graph(
        lambda x: tf.pad(_volume(x), [[0, 0], [1, 2], [0, 0], [0, 1], [0, 0]], constant_values=3.0)
    )
    result = rewritten(graph)
    np.testing.assert_array_equal(_run(result, start, end), _run(graph, start, end))
    with tf.Graph().as_default() as loaded:
        tf.graph_util.import_graph_def(result, name="")
    pads = [op for op in loaded.get_operations() if op.type in ("Pad", "PadV2")]
    assert {op.inputs[0].shape.rank for op in pads} == {3}


def test_groups_are_convolved_one_by_one() -> None:
    def function(x: Any) -> Any:
        images = tf.reshape(tf.tile(x, [1, 4]), [-1, 2, 2, 4])
        return tf.nn.conv2d(images, np.arange(32, dtype=np.float32).reshape(2, 2, 2, 4), 1, "SAME")

    graph, _, _ = _graph(function)
    result = rewritten(graph)
    assert sum(node.op == "Conv2D" for node in result.node) == 2


@pytest.mark.parametrize(("on", "off", "axis"), [(1.0, 0.0, -1), (3.5, -1.0, 0)])
def test_one_hot_counts_in_integers(on: float, off: float, axis: int) -> None:
    def function(x: Any) -> Any:
        hot = tf.one_hot(INDICES, 5, on, off, axis=axis, dtype=tf.float32)
        return tf.reduce_sum(x) + hot

    graph, start, end = _graph(function)
    result = rewritten(graph)
    types = {node.attr["T"].type for node in result.node if node.op == "OneHot"}
    assert types == {tf.int32.as_datatype_enum}
    np.testing.assert_array_equal(_run(result, start, end), _run(graph, start, end))


def _two_layers(prefix: str, twice: bool) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        with tf.name_scope(prefix):
            first = tf.matmul(x, tf.constant(KERNEL))
            tf.constant(np.arange(9.0))
            return tf.nn.relu(tf.matmul(first, tf.constant(KERNEL if twice else KERNEL + 1)))

    return function


KERNEL = np.arange(16, dtype=np.float32).reshape(4, 4)


def _canonical(function: Callable[[Any], Any]) -> Any:
    graph, start, end = _graph(function)
    return canonical(graph, {start: "features"}, {end: "prediction"}).graph


def test_names_of_the_process_leave_no_trace() -> None:
    ours, theirs = (_canonical(_two_layers(name, True)) for name in ("dense_1", "net_7/dense_9"))
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(
        deterministic=True
    )
    assert {"features", "prediction"} <= {node.name for node in ours.node}


def test_equal_constants_become_one_and_unused_ones_none() -> None:
    counts = [
        sum(node.op == "Const" for node in _canonical(_two_layers("a", twice)).node)
        for twice in (True, False)
    ]
    assert counts == [1, 2]


def test_the_canonical_graph_computes_the_same() -> None:
    function = _two_layers("a", False)
    graph, start, end = _graph(function)
    result = canonical(graph, {start: "features"}, {end: "prediction"})
    np.testing.assert_array_equal(
        _run(result.graph, "features", "prediction"), _run(graph, start, end)
    )
    assert set(result.origins) == {node.name for node in result.graph.node}
    assert result.origins["features"] == start


def test_kernels_are_weight_matrices_of_some_size() -> None:
    def function(x: Any) -> Any:
        scaled = x * tf.constant(np.arange(100, dtype=np.float32).reshape(25, 4)[:1])
        wide = tf.matmul(scaled, tf.constant(np.ones((4, 40), np.float32)))
        return tf.matmul(wide, tf.constant(np.ones((40, 1), np.float32)))

    graph = _canonical(function)
    shapes = {
        node.name: [dim.size for dim in node.attr["value"].tensor.tensor_shape.dim]
        for node in graph.node
        if node.op == "Const"
    }
    assert [shapes[name] for name in kernels(graph)] == [[4, 40]]
