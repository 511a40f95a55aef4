"""Operations that TensorFlow.js lacks or gets wrong, said with others that every backend has.

Each rewrite is a function of the node and its input tensors, written in TensorFlow, and computes
what the operation does; None leaves the node as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mltk.tfjs.einsum import as_product

Rewrite = Callable[[Any, Sequence[Any]], Any]

_SIGN = np.iinfo(np.int32).min
"""The sign bit of a float32, as an int32."""


def _erfc(_: Any, inputs: Sequence[Any]) -> Any:
    """erfc(x) = 1 - erf(x): there is no kernel for Erfc."""
    return 1.0 - tf.math.erf(inputs[0])


def _softsign(_: Any, inputs: Sequence[Any]) -> Any:
    """softsign(x) = x / (1 + |x|): there is no kernel for Softsign."""
    return inputs[0] / (1.0 + tf.abs(inputs[0]))


def _pass_through(_: Any, inputs: Sequence[Any]) -> Any:
    """A debugging aid gives its input back."""
    return inputs[0]


def _bucketize(node: Any, inputs: Sequence[Any]) -> Any:
    """The bucket of x is the number of boundaries it reaches: there is no kernel for Bucketize."""
    boundaries = tf.constant(list(node.attr["boundaries"].list.f), inputs[0].dtype)
    reached = tf.greater_equal(inputs[0][..., tf.newaxis], boundaries)
    return tf.reduce_sum(tf.cast(reached, tf.int32), axis=-1)


def _one_hot(node: Any, inputs: Sequence[Any]) -> Any:
    """Let OneHot give integers, and scale them: off + one_hot * (on - off).

    The wasm backend of TensorFlow.js 4.22 writes the bits of an integer into a float result.
    """
    indices, depth, on, off = inputs
    if on.dtype in (tf.int32, tf.bool):
        return None
    hot = tf.one_hot(indices, depth, 1, 0, axis=node.attr["axis"].i, dtype=tf.int32)
    return tf.cast(hot, on.dtype) * (on - off) + off


def _cumulated(node: Any, inputs: Sequence[Any]) -> Any:
    """Count an axis from the front: from the back, TensorFlow.js sums over some other one."""
    axis = tf.get_static_value(inputs[1])
    if axis is None or axis >= 0:
        return None
    operation = tf.cumsum if node.op == "Cumsum" else tf.math.cumprod
    return operation(
        inputs[0],
        axis=int(axis) + inputs[0].shape.rank,
        exclusive=node.attr["exclusive"].b,
        reverse=node.attr["reverse"].b,
    )


def _known_size(node: Any, inputs: Sequence[Any]) -> Any:
    """Write down a size that is known, which layers ask for as if it were open.

    What is computed of it, such as a range, is a constant then: the webgpu backend reads none.
    """
    begin = tf.get_static_value(inputs[1])
    if inputs[0].op.type != "Shape" or node.attr["shrink_axis_mask"].i != 1 or np.size(begin) != 1:
        return None
    shape = inputs[0].op.inputs[0].shape
    size = None if begin is None or shape.rank is None else shape[int(begin[0])]
    return None if size is None else tf.constant(size, inputs[0].dtype)


def _select(_: Any, inputs: Sequence[Any]) -> Any:
    """Choose among flat values: the webgl backend chooses in four dimensions at most."""
    whole = [tensor for tensor in inputs if tensor.shape.rank != 0]
    if not whole or any(tensor.shape.rank is None for tensor in whole) or len(whole[0].shape) <= 4:
        return None
    if any(list(tensor.shape)[1:] != list(whole[0].shape)[1:] for tensor in whole):
        return None
    flat = [tensor if tensor.shape.rank == 0 else tf.reshape(tensor, [-1]) for tensor in inputs]
    return tf.reshape(tf.where(*flat), tf.shape(whole[0]))


def _roll(_: Any, inputs: Sequence[Any]) -> Any:
    """Cut and join: there is no kernel for Roll."""
    tensor, shifts, axes = inputs[0], *map(tf.get_static_value, inputs[1:])
    if shifts is None or axes is None:
        return None
    for shift, axis in zip(np.ravel(shifts), np.ravel(axes), strict=True):
        size = tensor.shape[int(axis)]
        if size is None:
            return None
        at = size - int(shift) % size
        head, tail = tf.split(tensor, [at, size - at], int(axis))
        tensor = tf.concat([tail, head], int(axis))
    return tensor


def _sign_bit(_: Any, inputs: Sequence[Any]) -> Any:
    """Find the sign of a float without its bits: there is no kernel for Bitcast.

    Minus zero, which is no smaller than zero, shows in its reciprocal.
    """
    bits, mask = inputs[0].op, tf.get_static_value(inputs[1])
    if bits.type != "Bitcast" or bits.inputs[0].dtype != tf.float32:
        return None
    if mask is None or np.any(mask != _SIGN):
        return None
    number = bits.inputs[0]
    negative = (number < 0) | (tf.equal(number, 0.0) & (tf.math.reciprocal(number) < 0))
    return tf.where(negative, _SIGN, 0)


def _grouped(node: Any, inputs: Sequence[Any]) -> Any:
    """Convolve group by group: no backend has convolutions with groups."""
    images, kernel = inputs
    if node.attr["data_format"].s != b"NHWC" or None in (images.shape[-1], kernel.shape[2]):
        return None
    groups = images.shape[-1] // kernel.shape[2]
    if groups == 1:
        return None
    parts = zip(tf.split(images, groups, -1), tf.split(kernel, groups, -1), strict=True)
    strides, padding = list(node.attr["strides"].list.i), node.attr["padding"].s.decode()
    if padding == "EXPLICIT":
        return None
    dilations = list(node.attr["dilations"].list.i) or None
    results = [tf.nn.conv2d(x, k, strides, padding, "NHWC", dilations) for x, k in parts]
    return tf.concat(results, -1)


def _max_pool_3d(node: Any, inputs: Sequence[Any]) -> Any:
    """Pool the plane, then the depth: MaxPool3D of the wasm backend gives nothing below zero."""
    shape = inputs[0].shape
    if node.attr["data_format"].s != b"NDHWC" or None in shape[1:]:
        return None
    _, depth, height, width, channels = shape
    _, *sizes, _ = node.attr["ksize"].list.i
    _, *strides, _ = node.attr["strides"].list.i
    padding = node.attr["padding"].s.decode()
    planes = tf.reshape(inputs[0], [-1, height, width, channels])
    planes = tf.nn.max_pool2d(planes, sizes[1:], strides[1:], padding)
    _, height, width, _ = planes.shape
    columns = tf.reshape(planes, [-1, depth, height * width, channels])
    columns = tf.nn.max_pool2d(columns, [sizes[0], 1], [strides[0], 1], padding)
    return tf.reshape(columns, [-1, columns.shape[1], height, width, channels])


def _band(_: Any, inputs: Sequence[Any]) -> Any:
    """Compare rows and columns: MatrixBandPart of TensorFlow.js keeps another band."""
    matrix, lower, upper = inputs[0], *map(tf.get_static_value, inputs[1:])
    if lower is None or upper is None:
        return None
    rows, columns = (
        tf.range(tf.shape(matrix)[axis]) if size is None else tf.range(size)
        for axis, size in zip((-2, -1), matrix.shape[-2:], strict=True)
    )
    below = rows[:, tf.newaxis] - columns
    kept = tf.ones_like(below, tf.bool)
    if lower >= 0:
        kept &= below <= tf.cast(lower, tf.int32)
    if upper >= 0:
        kept &= -below <= tf.cast(upper, tf.int32)
    if matrix.dtype == tf.bool:
        return matrix & kept
    return tf.where(kept, matrix, tf.zeros_like(matrix))


def _conv_3d_transpose(node: Any, inputs: Sequence[Any]) -> Any:
    """Convolve the spread input with the mirrored kernel: Conv3DBackpropInputV2 has no kernel."""
    wanted, kernel, images = inputs
    target = tf.get_static_value(wanted, partial=True)
    dilated = any(rate != 1 for rate in node.attr["dilations"].list.i)
    if node.attr["data_format"].s != b"NDHWC" or dilated or target is None:
        return None
    if None in images.shape[1:] or None in list(target[1:]):
        return None
    same, spread = node.attr["padding"].s == b"SAME", images
    for axis in (1, 2, 3):
        size, stride = images.shape[axis], node.attr["strides"].list.i[axis]
        extent, full = int(kernel.shape[axis - 1]), int(target[axis])
        spread = _spread(spread, axis, stride)
        lost = max((size - 1) * stride + extent - full, 0) if same else 0
        before = extent - 1 - lost // 2
        after = full + extent - 1 - before - ((size - 1) * stride + 1)
        spread = _padded(spread, axis, before, after, 0.0)
    mirrored = tf.transpose(tf.reverse(kernel, [0, 1, 2]), [0, 1, 2, 4, 3])
    return tf.nn.conv3d(spread, mirrored, [1] * 5, "VALID")


def _deep_padding(node: Any, inputs: Sequence[Any]) -> Any:
    """Pad axis by axis: the webgl backend pads four dimensions at most."""
    tensor, margins = inputs[0], tf.get_static_value(inputs[1])
    value = tf.get_static_value(inputs[2]) if node.op == "PadV2" else 0
    if margins is None or value is None or tensor.shape.rank is None or tensor.shape.rank <= 4:
        return None
    if None in tensor.shape[1:] or margins[0].any():
        return None
    for axis, (before, after) in enumerate(margins.tolist()):
        if before or after:
            tensor = _padded(tensor, axis, before, after, value)
    return tensor


def _spread(tensor: Any, axis: int, stride: int) -> Any:
    """Put `stride` - 1 zeros between the values of an axis."""
    if stride == 1:
        return tensor
    size, inner = tensor.shape[axis], int(np.prod(tensor.shape[axis + 1 :]))
    single = tf.pad(tf.reshape(tensor, [-1, 1, inner]), [[0, 0], [0, stride - 1], [0, 0]])
    shape = [-1, *tensor.shape[1:axis], size * stride, *tensor.shape[axis + 1 :]]
    return _padded(tf.reshape(single, shape), axis, 0, 1 - stride, 0.0)


def _padded(tensor: Any, axis: int, before: int, after: int, value: float) -> Any:
    """Pad an axis, or cut it where the number is negative, in three dimensions.

    The webgl backend pads no more than four.
    """
    shape = list(tensor.shape)
    inner = int(np.prod(shape[axis + 1 :]))
    flat = tf.reshape(tensor, [-1, shape[axis], inner])
    begin, end = max(-before, 0), shape[axis] - max(-after, 0)
    if (begin, end) != (0, shape[axis]):
        flat = flat[:, begin:end]
    ends = [max(before, 0), max(after, 0)]
    if any(ends):
        flat = tf.pad(flat, [[0, 0], ends, [0, 0]], constant_values=value)
    size = shape[axis] + before + after
    return tf.reshape(flat, [-1, *shape[1:axis], size, *shape[axis + 1 :]])


def _einsum(node: Any, inputs: Sequence[Any]) -> Any:
    """Compute an Einsum as a matrix product: the wasm backend has no kernel for Einsum."""
    if len(inputs) != 2 or None in (inputs[0].shape.rank, inputs[1].shape.rank):
        return None
    plan = as_product(node.attr["equation"].s.decode())
    if plan is None:
        return None
    sizes: dict[str, Any] = {}
    for labels, operand in zip((plan.first, plan.second), inputs, strict=True):
        for axis, label in enumerate(labels):
            if not isinstance(sizes.get(label), int):
                known = operand.shape[axis]
                sizes[label] = tf.shape(operand)[axis] if known is None else known
    left = tf.transpose(inputs[0], plan.left_order)
    left = _reshaped(left, [[label] for label in plan.batch] + [plan.rows, plan.inner], sizes)
    right = tf.transpose(inputs[1], plan.right_order)
    right = _reshaped(right, [[label] for label in plan.batch] + [plan.inner, plan.columns], sizes)
    product = tf.linalg.matmul(left, right)
    made = [[label] for label in (*plan.batch, *plan.rows, *plan.columns)]
    return tf.transpose(_reshaped(product, made, sizes), plan.order)


def _reshaped(tensor: Any, groups: Sequence[Sequence[str]], sizes: Mapping[str, Any]) -> Any:
    """Give each group of indices one axis; at most one of open size is left to Reshape."""
    if all(len(group) == 1 for group in groups) and len(groups) == tensor.shape.rank:
        return tensor
    shape: list[Any] = []
    for group in groups:
        size: Any = 1
        for label in group:
            size = size * sizes[label]
        shape.append(size)
    unknown = [place for place, size in enumerate(shape) if not isinstance(size, int)]
    if len(unknown) > 1:
        return tf.reshape(tensor, tf.stack(shape))
    for place in unknown:
        shape[place] = -1
    return tf.reshape(tensor, tf.constant(shape, tf.int32))


REWRITES: Mapping[str, Rewrite] = {
    "BitwiseAnd": _sign_bit,
    "Bucketize": _bucketize,
    "CheckNumerics": _pass_through,
    "Conv2D": _grouped,
    "Conv3DBackpropInputV2": _conv_3d_transpose,
    "Cumprod": _cumulated,
    "Cumsum": _cumulated,
    "Einsum": _einsum,
    "Erfc": _erfc,
    "MatrixBandPart": _band,
    "MaxPool3D": _max_pool_3d,
    "OneHot": _one_hot,
    "Pad": _deep_padding,
    "PadV2": _deep_padding,
    "Roll": _roll,
    "SelectV2": _select,
    "Softsign": _softsign,
    "StridedSlice": _known_size,
}
