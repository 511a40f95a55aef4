"""Small Keras models at random: a chain of layers, each fitting what the one before gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from mltk.problems.backend import keras
from tests.func.tfjs.architectures import ACTIVATIONS

L = keras.layers
ops = keras.ops
Draw = Callable[[st.SearchStrategy[Any]], Any]

SHAPES = {1: (6,), 2: (5, 4), 3: (6, 6, 4), 4: (4, 4, 4, 2)}
"""Shape of a row by its rank."""

_PADDING = st.sampled_from(["valid", "same"])
_SMALL = st.integers(1, 3)
_MARGIN = st.tuples(st.integers(0, 2), st.integers(0, 2))


@dataclasses.dataclass(frozen=True)
class Link:
    """A layer that was drawn: `text` says it again, `layer` applies it."""

    text: str
    layer: Callable[[Any], Any]


def _of(name: str, **options: Any) -> Link:
    told = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return Link(f"{name}({told})", lambda x: getattr(L, name)(**options)(x))


def _strided(draw: Draw) -> dict[str, Any]:
    """Strides or dilation: Keras refuses both at once."""
    if draw(st.booleans()):
        return {"strides": draw(_SMALL)}
    return {"dilation_rate": draw(_SMALL)}


def _convolution(draw: Draw, rank: int) -> Link:
    options = {"kernel_size": draw(_SMALL), "padding": draw(_PADDING)}
    kinds = [f"Conv{rank}D", f"Conv{rank}DTranspose"]
    if rank < 3:
        kinds += [f"DepthwiseConv{rank}D", f"SeparableConv{rank}D"]
    kind = draw(st.sampled_from(kinds))
    if "Transpose" in kind:
        options["strides"] = draw(_SMALL)
    else:
        options |= _strided(draw)
    if "Depthwise" in kind:
        options["depth_multiplier"] = draw(st.integers(1, 2))
    else:
        options["filters"] = draw(st.sampled_from([2, 4]))
    if kind == f"Conv{rank}D" and rank < 3:
        options["groups"] = draw(st.sampled_from([1, 1, 2]))
    return _of(kind, activation=draw(st.sampled_from(["linear", "relu", "tanh"])), **options)


def _pooling(draw: Draw, rank: int) -> Link:
    kind = draw(st.sampled_from(["Max", "Average"]))
    if draw(st.booleans()):
        return _of(f"Global{kind}Pooling{rank}D", keepdims=draw(st.booleans()))
    size, strides = draw(_SMALL), draw(_SMALL)
    return _of(f"{kind}Pooling{rank}D", pool_size=size, strides=strides, padding=draw(_PADDING))


def _frame(draw: Draw, rank: int) -> Link:
    kind = draw(st.sampled_from(["ZeroPadding", "Cropping", "UpSampling"]))
    if kind == "UpSampling":
        return _of(f"UpSampling{rank}D", size=draw(_SMALL))
    margins = tuple(draw(_MARGIN) for _ in range(rank))
    what = "padding" if kind == "ZeroPadding" else "cropping"
    return _of(f"{kind}{rank}D", **{what: margins[0] if rank == 1 else margins})


def _resizing(draw: Draw, _: int) -> Link:
    how = draw(st.sampled_from(["bilinear", "nearest"]))
    return _of("Resizing", height=draw(st.integers(1, 9)), width=4, interpolation=how)


def _recurrent(draw: Draw, _: int) -> Link:
    kind = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    options = {
        "units": 3,
        "return_sequences": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
    }
    if draw(st.booleans()):
        return _of(kind, **options)
    inner = getattr(L, kind)
    return Link(f"Bidirectional({kind})", lambda x: L.Bidirectional(inner(3))(x))


def _attention(draw: Draw, _: int) -> Link:
    if draw(st.booleans()):
        return Link("Attention", lambda x: L.Attention()([x, x]))
    causal = draw(st.booleans())
    return Link(
        f"MultiHeadAttention(causal={causal})",
        lambda x: L.MultiHeadAttention(2, 3)(x, x, use_causal_mask=causal),
    )


def _anywhere(draw: Draw, rank: int) -> Link:
    """Give a layer for rows of any rank."""
    axis = draw(st.integers(1, rank))
    links = [
        _of("Dense", units=4, activation=draw(st.sampled_from(ACTIVATIONS))),
        _of("Activation", activation=draw(st.sampled_from(ACTIVATIONS))),
        _of("BatchNormalization", axis=axis),
        _of("LayerNormalization", axis=axis),
        _of("UnitNormalization", axis=axis),
        _of("RMSNormalization", axis=axis),
        _of("Rescaling", scale=draw(st.floats(-2, 2, width=16)), offset=0.5),
        _of("PReLU"),
        _of("Flatten"),
        _of("Discretization", bin_boundaries=[-0.5, 0.0, 0.75]),
    ]
    return draw(st.sampled_from(links))


_FUNCTIONS: dict[str, Callable[[Any, int], Any]] = {
    **{
        name: lambda x, axis, name=name: getattr(ops, name)(x, axis=axis)
        for name in ("cumsum", "flip", "sort", "max", "mean", "sum", "std", "prod", "argmax")
    },
    "argmin": lambda x, axis: ops.argmin(x, axis=axis),
    "logsumexp": lambda x, axis: ops.logsumexp(x, axis=axis, keepdims=True),
    "roll": lambda x, axis: ops.roll(x, 2, axis=axis),
    "any": lambda x, axis: ops.any(x > 0.2, axis=axis),
    "repeat": lambda x, axis: ops.repeat(x, 2, axis=axis),
    "take": lambda x, axis: ops.take(x, [0, 0], axis=axis),
    "concatenate": lambda x, axis: ops.concatenate([x, -x], axis=axis),
    **{
        name: lambda x, _, name=name: getattr(ops, name)(x)
        for name in (
            *("abs", "square", "sign", "floor", "ceil", "round", "sin", "cos", "arctan", "erf"),
            *("tanh", "expm1", "isfinite", "negative", "logical_not", "cosh", "arcsinh"),
        )
    },
    "clip": lambda x, _: ops.clip(x, -0.5, 0.75),
    "mod": lambda x, _: ops.mod(x, 0.7),
    "floor_divide": lambda x, _: ops.floor_divide(x, 0.6),
    "log1p": lambda x, _: ops.log1p(ops.abs(x)),
    "power": lambda x, _: ops.power(ops.abs(x) + 0.1, 1.5),
    "where": lambda x, _: ops.where(x > 0.1, x, ops.square(x)),
    "tril": lambda x, _: ops.tril(x),
    "one_hot": lambda x, _: ops.one_hot(ops.cast(ops.abs(x), "int32"), 3),
    "int": lambda x, _: ops.cast(x * 3, "int32"),
}


def _function(draw: Draw, rank: int) -> Link:
    name, axis = draw(st.sampled_from(sorted(_FUNCTIONS))), draw(st.integers(1, rank))
    axis = draw(st.sampled_from([axis, axis - rank - 1]))

    def call(x: Any) -> Any:
        return ops.cast(_FUNCTIONS[name](ops.cast(x, "float32"), axis), "float32")

    return Link(f"ops.{name}(axis={axis})", call)


_KINDS: dict[int, list[Callable[[Draw, int], Link]]] = {
    1: [_anywhere, _function],
    2: [_anywhere, _function, _convolution, _pooling, _frame, _recurrent, _attention],
    3: [_anywhere, _function, _convolution, _pooling, _frame, _resizing],
    4: [_anywhere, _function, _convolution, _pooling, _frame],
}


@st.composite
def models(draw: Draw) -> tuple[str, Any, tuple[int, ...]]:
    """Give a model, its layers in words, and the shape of its rows; rejects what Keras refuses."""
    rank = draw(st.sampled_from(sorted(SHAPES)))
    x = inputs = keras.Input(SHAPES[rank], name="x")
    words: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        rank = len(x.shape) - 1
        if rank not in _KINDS:
            break
        link = draw(st.sampled_from(_KINDS[rank]))(draw, rank if rank < 2 else _plane(rank))
        try:
            after = link.layer(x)
        except Exception:  # whatever Keras thinks of it: this is not about Keras
            continue
        if 0 in after.shape:
            continue
        x = after
        words.append(link.text)
    return (
        " > ".join(words) or "nothing",
        keras.Model(inputs, {"y": ops.cast(x, "float32") * 1}),
        SHAPES[len(inputs.shape) - 1],
    )


def _plane(rank: int) -> int:
    """Give the number of axes between the batch and the channels."""
    return rank - 1
