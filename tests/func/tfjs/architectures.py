"""The architectures that are exported and proven: what docs/exporter.md lists.

Each is built small and with random weights. Its rows come in batches of 1, 2 and 7, which shows
that the batch is open.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mltk.problems.backend import keras, tf

L = keras.layers
ops = keras.ops

COUNT = 7
"""Rows of an architecture; they are run 1, 2 and 7 at a time."""


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A model to build, and what it is called with."""

    group: str
    build: Callable[[], Any]
    rows: Mapping[str, Any]


def _random(*shape: int) -> Any:
    return np.random.default_rng(3).normal(size=(COUNT, *shape)).astype("float32")


def _codes(high: int, *shape: int) -> Any:
    return np.random.default_rng(4).integers(0, high, size=(COUNT, *shape)).astype("int32")


TABLE = _random(10)
SERIES = _random(6, 3)
IMAGES = _random(8, 8, 3)
VOLUMES = _random(6, 6, 6, 2)

_FOUND: dict[str, Architecture] = {}


def _add(group: str, name: str, rows: Any, body: Callable[[Any], Any], open_steps: bool = False):
    """Add a model with one input `x` and one output `y`."""
    shape = (None, *rows.shape[2:]) if open_steps else rows.shape[1:]

    def build() -> Any:
        inputs = keras.Input(shape, name="x", dtype=rows.dtype.name)
        return keras.Model(inputs, {"y": body(inputs)})

    _FOUND[name] = Architecture(group, build, {"x": rows})


def _head(x: Any) -> Any:
    return L.Dense(2)(L.Flatten()(x))


# -- dense -----------------------------------------------------------------------------------------

_add("dense", "linear", TABLE, lambda x: L.Dense(2)(x))
_add("dense", "multilayer perceptron", TABLE, lambda x: L.Dense(2)(L.Dense(16, "relu")(x)))
_add("dense", "dense over the last axis", SERIES, lambda x: L.Dense(4, "tanh")(x))
_add("dense", "EinsumDense", SERIES, lambda x: L.EinsumDense("abc,cd->abd", (None, 5))(x))
_add("dense", "dropout and noise", TABLE, lambda x: L.GaussianNoise(0.1)(L.Dropout(0.5)(x)) * 2)
_add("dense", "softmax classifier", TABLE, lambda x: L.Dense(3, "softmax")(L.Dense(8, "relu")(x)))
_add("dense", "quantile heads", TABLE, lambda x: ops.cumsum(L.Dense(5, "softplus")(x), axis=-1))


def _mixture(x: Any) -> Any:
    hidden = L.Dense(8, "gelu")(L.LayerNormalization()(x))
    scale = ops.softplus(L.Dense(3)(hidden)) + 1e-3
    away = (x[:, :1] - L.Dense(3)(hidden)) / scale
    density = ops.log_softmax(L.Dense(3)(hidden)) - 0.5 * ops.square(away) - ops.log(scale)
    return ops.logsumexp(density, axis=-1)


def _flow(x: Any) -> Any:
    """Two affine couplings with their log-determinant."""
    first, second, logdet = x[:, :5], x[:, 5:], 0.0
    for _ in range(2):
        hidden = L.Dense(8, "tanh")(first)
        scale = L.Dense(5, "tanh")(hidden)
        second = second * ops.exp(scale) + L.Dense(5)(hidden)
        logdet = logdet + ops.sum(scale, axis=-1)
        first, second = second, first
    whole = ops.concatenate([first, second], axis=-1)
    return logdet - 0.5 * ops.sum(ops.square(whole), axis=-1)


_add("dense", "mixture density network", TABLE, _mixture)
_add("dense", "normalising flow", TABLE, _flow)

# -- activations -----------------------------------------------------------------------------------

_NOT_ACTIVATIONS = {"deserialize", "get", "serialize", "threshold", "glu"}

ACTIVATIONS = sorted(
    name for name in dir(keras.activations) if name[0].islower() and name not in _NOT_ACTIVATIONS
)
for _name in ACTIVATIONS:
    _add(
        "activation",
        f"activation {_name}",
        TABLE,
        lambda x, name=_name: L.Dense(2)(L.Activation(name)(L.Dense(8)(x) * 2)),
    )
_add("activation", "activation glu", TABLE, lambda x: keras.activations.glu(L.Dense(8)(x)))
_add(
    "activation", "activation threshold", TABLE, lambda x: keras.activations.threshold(x, 0.5, -1.0)
)
_add("activation", "PReLU", TABLE, lambda x: L.PReLU("random_normal")(x))
_add("activation", "exact gelu", TABLE, lambda x: ops.gelu(x, approximate=False))
_add("activation", "Softmax layer over an axis", SERIES, lambda x: L.Softmax(axis=1)(x))

# -- convolution -----------------------------------------------------------------------------------


def _conv(name: str, rows: Any, body: Callable[[Any], Any]) -> None:
    _add("convolution", name, rows, body)


_conv("Conv1D", SERIES, lambda x: _head(L.Conv1D(4, 3, activation="tanh")(x)))
_conv(
    "Conv1D causal, dilated", SERIES, lambda x: L.Conv1D(4, 2, padding="causal", dilation_rate=2)(x)
)
_conv("Conv1D strided", SERIES, lambda x: L.Conv1D(4, 3, strides=2, padding="same")(x))
_conv("Conv2D", IMAGES, lambda x: _head(L.Conv2D(4, 3, activation="relu")(x)))
_conv("Conv2D strided, same", IMAGES, lambda x: L.Conv2D(4, 3, strides=2, padding="same")(x))
_conv("Conv2D dilated", IMAGES, lambda x: L.Conv2D(4, 3, dilation_rate=2)(x))
_conv("Conv2D grouped", _random(8, 8, 4), lambda x: L.Conv2D(4, 3, groups=2)(x))
_conv("Conv3D", VOLUMES, lambda x: L.Conv3D(3, 2, activation="relu")(x))
_conv("Conv3D strided, same", VOLUMES, lambda x: L.Conv3D(3, 3, strides=2, padding="same")(x))
_conv("DepthwiseConv1D", SERIES, lambda x: L.DepthwiseConv1D(3, depth_multiplier=2)(x))
_conv("DepthwiseConv2D", IMAGES, lambda x: L.DepthwiseConv2D(3, depth_multiplier=2)(x))
_conv(
    "DepthwiseConv2D strided", IMAGES, lambda x: L.DepthwiseConv2D(3, strides=2, padding="same")(x)
)
_conv("DepthwiseConv2D dilated", IMAGES, lambda x: L.DepthwiseConv2D(3, dilation_rate=2)(x))
_conv("SeparableConv1D", SERIES, lambda x: L.SeparableConv1D(4, 3)(x))
_conv("SeparableConv2D", IMAGES, lambda x: L.SeparableConv2D(4, 3, padding="same")(x))
_conv("Conv1DTranspose", SERIES, lambda x: L.Conv1DTranspose(4, 3, strides=2)(x))
_conv("Conv2DTranspose", IMAGES, lambda x: L.Conv2DTranspose(4, 3, strides=2, padding="same")(x))
_conv("Conv2DTranspose valid", IMAGES, lambda x: L.Conv2DTranspose(4, 3, padding="valid")(x))
_conv("Conv3DTranspose", VOLUMES, lambda x: L.Conv3DTranspose(2, 2, strides=2)(x))
_conv(
    "convolutional classifier",
    IMAGES,
    lambda x: L.Dense(3, "softmax")(
        L.Flatten()(L.MaxPooling2D()(L.BatchNormalization()(L.Conv2D(4, 3, activation="tanh")(x))))
    ),
)


def _autoencoder(x: Any) -> Any:
    x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    x = L.Conv2DTranspose(4, 3, padding="same", activation="tanh")(x)
    return L.Conv2D(1, 3, padding="same")(L.UpSampling2D(interpolation="bilinear")(x))


def _unet(x: Any) -> Any:
    down = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    low = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(down))
    up = L.Concatenate()([L.UpSampling2D()(low), down])
    return L.Conv2D(1, 1, activation="sigmoid")(up)


def _residual(x: Any) -> Any:
    inner = L.ReLU()(L.BatchNormalization()(L.Conv2D(3, 3, padding="same")(x)))
    return L.GlobalAveragePooling2D()(L.ReLU()(L.Add()([x, L.Conv2D(3, 3, padding="same")(inner)])))


def _squeeze(x: Any) -> Any:
    gate = L.Dense(3, "sigmoid")(L.Dense(2, "relu")(L.GlobalAveragePooling2D()(x)))
    return L.Multiply()([x, L.Reshape((1, 1, 3))(gate)])


_conv("convolutional autoencoder", IMAGES, _autoencoder)
_conv("U-Net", IMAGES, _unet)
_conv("residual block", IMAGES, _residual)
_conv("squeeze and excitation", IMAGES, _squeeze)

# -- pooling ---------------------------------------------------------------------------------------


def _pools(kind: str, rank: int, rows: Any) -> None:
    layer, whole = (getattr(L, f"{prefix}{kind}Pooling{rank}D") for prefix in ("", "Global"))
    name = f"{kind}Pooling{rank}D"
    _add("pooling", name, rows, lambda x: layer(2, padding="same")(x))
    _add("pooling", f"{name} overlapping", rows, lambda x: layer(3, strides=1)(x))
    _add("pooling", f"Global{name}", rows, lambda x: whole()(x))


for _kind in ("Max", "Average"):
    for _rank, _rows in ((1, SERIES), (2, IMAGES), (3, VOLUMES)):
        _pools(_kind, _rank, _rows)

# -- recurrent -------------------------------------------------------------------------------------


def _recurrent(name: str, body: Callable[[Any], Any], rows: Any = SERIES) -> None:
    _add("recurrent", name, rows, body)


_recurrent("SimpleRNN", lambda x: L.SimpleRNN(4)(x))
_recurrent("LSTM", lambda x: L.LSTM(4)(x))
_recurrent("LSTM of all steps", lambda x: L.LSTM(4, return_sequences=True)(x))
_recurrent("LSTM backwards", lambda x: L.LSTM(4, go_backwards=True)(x))
_recurrent("LSTM with masked steps", lambda x: L.LSTM(4)(L.Masking(0.0)(ops.relu(x))))
_recurrent("GRU", lambda x: L.GRU(4)(x))
_recurrent("GRU, reset before", lambda x: L.GRU(4, reset_after=False)(x))
_recurrent("bidirectional LSTM", lambda x: L.Bidirectional(L.LSTM(4))(x))
_recurrent("bidirectional GRU, summed", lambda x: L.Bidirectional(L.GRU(4), merge_mode="sum")(x))
_recurrent("stacked LSTM", lambda x: L.LSTM(3)(L.LSTM(4, return_sequences=True)(x)))
_recurrent("stacked cells", lambda x: L.RNN([L.LSTMCell(4), L.GRUCell(3)])(x))
_recurrent("TimeDistributed", lambda x: L.TimeDistributed(L.Dense(2, "relu"))(x))
_recurrent("ConvLSTM1D", lambda x: L.ConvLSTM1D(2, 3, padding="same")(x), _random(4, 6, 2))
_recurrent("ConvLSTM2D", lambda x: L.ConvLSTM2D(2, 3, padding="same")(x), _random(3, 5, 5, 2))
_recurrent("convolution, then LSTM", lambda x: L.LSTM(4)(L.Conv1D(4, 2, activation="relu")(x)))


def _translator(x: Any) -> Any:
    _, hidden, cell = L.LSTM(4, return_state=True)(x)
    return L.LSTM(4, return_sequences=True)(L.RepeatVector(3)(hidden), initial_state=[hidden, cell])


_recurrent("encoder and decoder", _translator)

# -- attention -------------------------------------------------------------------------------------


def _transformer(x: Any, causal: bool = False) -> Any:
    x = L.Dense(8)(x)
    seen = L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=causal)
    x = L.LayerNormalization()(L.Add()([x, seen]))
    return L.LayerNormalization()(L.Add()([x, L.Dense(8)(L.Dense(16, "gelu")(x))]))


def _vision(x: Any) -> Any:
    patches = L.Reshape((4, 5))(L.Conv2D(5, 4, strides=4)(x))
    return L.Dense(2)(L.GlobalAveragePooling1D()(_transformer(patches)))


def _tokens(x: Any) -> Any:
    x = L.Embedding(9, 6)(x) + L.Embedding(5, 6)(ops.arange(5))
    return L.Dense(9)(_transformer(x, causal=True))


def _attention(name: str, rows: Any, body: Callable[[Any], Any], open_steps: bool = False) -> None:
    _add("attention", name, rows, body, open_steps)


_attention("Attention", SERIES, lambda x: L.Attention()([x, x]))
_attention("Attention, scaled", SERIES, lambda x: L.Attention(use_scale=True)([x, x, x]))
_attention("AdditiveAttention", SERIES, lambda x: L.AdditiveAttention()([x, x]))
_attention("MultiHeadAttention", SERIES, lambda x: L.MultiHeadAttention(2, 4)(x, x))
_attention(
    "MultiHeadAttention, causal",
    SERIES,
    lambda x: L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True),
)
_attention(
    "MultiHeadAttention over a grid",
    _random(4, 4, 3),
    lambda x: L.MultiHeadAttention(2, 4, attention_axes=(1, 2))(x, x),
)
_attention("GroupQueryAttention", SERIES, lambda x: L.GroupQueryAttention(4, 4, 2)(x, x))
_attention("transformer block", SERIES, _transformer)
_attention("causal transformer", SERIES, lambda x: _transformer(x, causal=True))
_attention("language model of tokens", _codes(9, 5), _tokens)
_attention("vision transformer", IMAGES, _vision)
_attention("transformer, open length", SERIES, _transformer, open_steps=True)
_attention("Attention, open length", SERIES, lambda x: L.Attention()([x, x]), open_steps=True)

# -- embedding -------------------------------------------------------------------------------------

CODES = _codes(4, 3)
_add("embedding", "Embedding", CODES, lambda x: L.Dense(1)(L.Flatten()(L.Embedding(4, 5)(x))))
_add(
    "embedding",
    "Embedding with a mask",
    CODES,
    lambda x: L.GlobalAveragePooling1D()(L.Embedding(4, 5, mask_zero=True)(x)),
)
_add(
    "embedding",
    "Embedding into LSTM, masked",
    CODES,
    lambda x: L.LSTM(3)(L.Embedding(4, 5, mask_zero=True)(x)),
)
_add("embedding", "Embedding, open length", CODES, lambda x: L.Embedding(4, 5)(x), True)
_add("embedding", "ReversibleEmbedding", CODES, lambda x: L.ReversibleEmbedding(4, 5)(x))

# -- normalisation ---------------------------------------------------------------------------------


def _trained(layer: Any) -> Any:
    """Give a layer whose weights look trained: those of a new normalisation do nothing."""

    def call(x: Any) -> Any:
        result = layer(x)
        for index, weight in enumerate(layer.weights):
            random = np.random.default_rng(index).uniform(0.5, 1.5, size=weight.shape)
            weight.assign(random.astype("float32"))
        return result

    return call


def _normal(name: str, rows: Any, layer: Callable[[], Any]) -> None:
    _add("normalisation", name, rows, lambda x: _trained(layer())(x))


_normal("BatchNormalization", TABLE, lambda: L.BatchNormalization())
_normal("BatchNormalization of images", IMAGES, lambda: L.BatchNormalization())
_normal("BatchNormalization over another axis", SERIES, lambda: L.BatchNormalization(axis=1))
_normal("LayerNormalization", SERIES, lambda: L.LayerNormalization())
_normal("LayerNormalization over two axes", SERIES, lambda: L.LayerNormalization(axis=(1, 2)))
_normal("GroupNormalization", _random(8, 8, 4), lambda: L.GroupNormalization(2))
_normal("RMSNormalization", SERIES, lambda: L.RMSNormalization())
_normal("UnitNormalization", SERIES, lambda: L.UnitNormalization())
_normal("SpectralNormalization", TABLE, lambda: L.SpectralNormalization(L.Dense(3)))

# -- preprocessing ---------------------------------------------------------------------------------


def _adapted(layer: Any, rows: Any) -> Any:
    layer.adapt(rows)
    return layer


def _prepared(name: str, rows: Any, body: Callable[[Any], Any]) -> None:
    _add("preprocessing", name, rows, body)


_prepared("Normalization", TABLE, lambda x: L.Dense(2)(_adapted(L.Normalization(), TABLE)(x)))
_prepared(
    "Normalization, inverted",
    TABLE,
    lambda x: L.Normalization(mean=3.0, variance=2.0, invert=True)(x),
)
_prepared(
    "Discretization", TABLE, lambda x: ops.cast(L.Discretization([-1.0, 0.0, 1.0])(x), "float32")
)
_prepared(
    "Discretization to one-hot",
    TABLE[:, :1],
    lambda x: L.Discretization([-1.0, 0.0, 1.0], output_mode="one_hot")(x),
)
_prepared("CategoryEncoding one-hot", CODES[:, :1], lambda x: L.CategoryEncoding(4, "one_hot")(x))
_prepared("CategoryEncoding multi-hot", CODES, lambda x: L.CategoryEncoding(4, "multi_hot")(x))
_prepared("CategoryEncoding counts", CODES, lambda x: L.CategoryEncoding(4, "count")(x))
_prepared("IntegerLookup", CODES, lambda x: L.IntegerLookup(vocabulary=[3, 1, 2])(x))
_prepared(
    "IntegerLookup to multi-hot",
    CODES,
    lambda x: L.IntegerLookup(vocabulary=[3, 1, 2], output_mode="multi_hot")(x),
)
_prepared(
    "IntegerLookup, several unknown",
    CODES,
    lambda x: L.IntegerLookup(vocabulary=[3, 1], num_oov_indices=3, mask_token=0)(x),
)
_prepared(
    "IntegerLookup counted",
    CODES,
    lambda x: L.IntegerLookup(vocabulary=[3, 1], output_mode="count")(x),
)
_prepared(
    "IntegerLookup, inverted",
    CODES,
    lambda x: L.IntegerLookup(vocabulary=[31, 17, 5], invert=True)(x),
)
_prepared("Rescaling", IMAGES, lambda x: L.Rescaling(1 / 255, offset=-0.5)(x))
_prepared("Resizing bilinear", IMAGES, lambda x: L.Resizing(5, 11)(x))
_prepared("Resizing nearest", IMAGES, lambda x: L.Resizing(5, 11, interpolation="nearest")(x))
_prepared("CenterCrop", IMAGES, lambda x: L.CenterCrop(5, 4)(x))
_prepared("random augmentation, off", IMAGES, lambda x: L.RandomFlip()(L.RandomRotation(0.1)(x)))
_prepared(
    "sine and cosine of a time", TABLE, lambda x: ops.concatenate([ops.sin(x), ops.cos(x)], -1)
)
_prepared(
    "missing values",
    np.where(TABLE > 1, -999, TABLE).astype("float32"),
    lambda x: ops.where(x == -999, ops.zeros_like(x), x) + ops.cast(x == -999, "float32"),
)

# -- shapes ----------------------------------------------------------------------------------------


def _shape(name: str, rows: Any, body: Callable[[Any], Any]) -> None:
    _add("shape", name, rows, body)


_shape("ZeroPadding1D", SERIES, lambda x: L.ZeroPadding1D(2)(x))
_shape("ZeroPadding2D", IMAGES, lambda x: L.ZeroPadding2D(((1, 2), (0, 3)))(x))
_shape("ZeroPadding3D", VOLUMES, lambda x: L.ZeroPadding3D(1)(x))
_shape(
    "reflected padding", IMAGES, lambda x: ops.pad(x, ((0, 0), (1, 1), (2, 2), (0, 0)), "reflect")
)
_shape("Cropping1D", SERIES, lambda x: L.Cropping1D(1)(x))
_shape("Cropping2D", IMAGES, lambda x: L.Cropping2D(((1, 2), (0, 3)))(x))
_shape("Cropping3D", VOLUMES, lambda x: L.Cropping3D(1)(x))
_shape("UpSampling1D", SERIES, lambda x: L.UpSampling1D(2)(x))
_shape("UpSampling2D nearest", IMAGES, lambda x: L.UpSampling2D((2, 3))(x))
_shape("UpSampling2D bilinear", IMAGES, lambda x: L.UpSampling2D(2, interpolation="bilinear")(x))
_shape("UpSampling3D", VOLUMES, lambda x: L.UpSampling3D(2)(x))
_shape("Reshape and Permute", SERIES, lambda x: L.Permute((2, 1))(L.Reshape((9, 2))(x)))
_shape("RepeatVector", TABLE, lambda x: L.RepeatVector(3)(x))
_shape(
    "slices and stack", SERIES, lambda x: ops.stack([x[:, 0], x[:, -1], x[:, ::2][:, 1]], axis=1)
)
_shape("flip and roll", SERIES, lambda x: ops.flip(x, axis=1) + ops.roll(x, 2, axis=1))
_shape(
    "merging layers",
    SERIES,
    lambda x: L.Concatenate()(
        [
            L.Maximum()([x, -x]),
            L.Minimum()([x, -x]),
            L.Average()([x, 2 * x]),
            L.Subtract()([x, x * x]),
        ]
    ),
)
_shape("Dot", SERIES, lambda x: L.Dot(axes=(2, 2), normalize=True)([x, x]))
_shape("sorting and top-k", TABLE, lambda x: ops.top_k(x, 3)[0])
_shape("largest index", TABLE, lambda x: ops.argmax(x, axis=-1))
_shape("reductions", SERIES, lambda x: ops.stack([ops.max(x, 1), ops.min(x, 1), ops.std(x, 1)], 1))

# -- custom layers ---------------------------------------------------------------------------------


class PairwiseDistance(L.Layer):
    """Distances to learnt centres, with keras.ops."""

    def build(self, shape: Any) -> None:
        self.centres = self.add_weight(shape=(4, shape[-1]), initializer="random_normal")

    def call(self, inputs: Any) -> Any:
        return ops.sqrt(ops.sum(ops.square(inputs[:, None] - self.centres[None]), axis=-1))


class Swish(L.Layer):
    """A learnt swish, with TensorFlow itself."""

    def build(self, shape: Any) -> None:
        self.beta = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs * tf.math.sigmoid(tf.multiply(self.beta, inputs))


class Highway(L.Layer):
    """A layer that holds layers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.body, self.gate = L.Dense(10, "relu"), L.Dense(10, "sigmoid")

    def call(self, inputs: Any) -> Any:
        gate = self.gate(inputs)
        return gate * self.body(inputs) + (1 - gate) * inputs


class Subclassed(keras.Model):
    """A model whose call() is Python."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = L.Dense(6, "tanh"), L.Dense(2)

    def call(self, inputs: Any) -> Any:
        return {"y": self.last(self.hidden(inputs))}


_add("custom", "layer of keras.ops", TABLE, lambda x: PairwiseDistance()(x))
_add("custom", "layer of tf", TABLE, lambda x: Swish()(x))
_add("custom", "layer of layers", TABLE, lambda x: Highway()(x))
_add("custom", "Lambda", TABLE, lambda x: L.Lambda(lambda v: ops.abs(v) ** 0.5)(x))
_FOUND["subclassed model"] = Architecture("custom", Subclassed, {"x": TABLE})

# -- topology --------------------------------------------------------------------------------------


def _topology(name: str, rows: Mapping[str, Any], build: Callable[[], Any]) -> None:
    _FOUND[name] = Architecture("topology", build, rows)


def _two_ports() -> Any:
    first, second = keras.Input((10,), name="zebra"), keras.Input((6, 3), name="ant")
    hidden = L.Dense(4, "tanh")(L.Concatenate()([first, L.Flatten()(second)]))
    outputs = {"std": L.Dense(1, "softplus")(hidden), "mean": L.Dense(2)(hidden)}
    return keras.Model({"zebra": first, "ant": second}, outputs)


def _wide_and_deep() -> Any:
    numbers = keras.Input((10,), name="numbers")
    code = keras.Input((1,), name="code", dtype="int32")
    flag = keras.Input((1,), name="flag", dtype="bool")
    wide = L.CategoryEncoding(4, "one_hot")(code)
    deep = L.Dense(4, "relu")(L.Concatenate()([numbers, L.Flatten()(L.Embedding(4, 3)(code))]))
    score = L.Dense(1)(L.Concatenate()([wide, deep]))
    return keras.Model([numbers, code, flag], {"y": ops.where(flag, score, -score)})


def _siamese() -> Any:
    left, right = keras.Input((10,), name="left"), keras.Input((10,), name="right")
    tower = keras.Sequential([L.Dense(8, "relu"), L.UnitNormalization()])
    return keras.Model([left, right], {"y": L.Dot(axes=1)([tower(left), tower(right)])})


def _nested() -> Any:
    inner_input = keras.Input((10,))
    inner = keras.Model(inner_input, L.Dense(4, "relu")(inner_input), name="inner")
    outer_input = keras.Input((10,), name="x")
    return keras.Model(outer_input, {"y": L.Dense(1)(inner(outer_input))})


def _coder() -> Any:
    x = keras.Input((10,), name="x")
    code = L.Dense(2, name="code")(L.Dense(8, "tanh")(x))
    return keras.Model(x, {"code": code, "back": L.Dense(10)(L.Dense(8, "tanh")(code))})


def _sampler() -> Any:
    """A variational decoder: its noise is an input."""
    x, noise = keras.Input((10,), name="x"), keras.Input((2,), name="noise")
    mean, scale = L.Dense(2)(x), L.Dense(2, "softplus")(x)
    return keras.Model([x, noise], {"y": L.Dense(10, "sigmoid")(mean + scale * noise)})


_topology("several inputs and outputs", {"zebra": TABLE, "ant": SERIES}, _two_ports)
_topology(
    "wide and deep: float, integer and truth inputs",
    {"numbers": TABLE, "code": _codes(4, 1), "flag": _codes(2, 1).astype(bool)},
    _wide_and_deep,
)
_topology("shared layers (siamese)", {"left": TABLE, "right": TABLE[::-1].copy()}, _siamese)
_topology("model inside a model", {"x": TABLE}, _nested)
_topology("autoencoder with its code", {"x": TABLE}, _coder)
_topology("variational decoder, noise as input", {"x": TABLE, "noise": TABLE[:, :2]}, _sampler)
_topology(
    "Sequential",
    {"input": TABLE},
    lambda: keras.Sequential([keras.Input((10,)), L.Dense(4, "relu"), L.Dense(1)]),
)
_topology("Sequential without Input", {"input": TABLE}, lambda: keras.Sequential([L.Dense(1)]))
_topology(
    "truth output",
    {"x": TABLE},
    lambda: (lambda x: keras.Model(x, {"y": L.Dense(1)(x) > 0}))(keras.Input((10,), name="x")),
)

# -- half precision --------------------------------------------------------------------------------


def _half(policy: str, body: Callable[[Any, str], Any], rows: Any) -> None:
    """The bundle computes in float32 what learnt in half, and so does Keras here."""
    _add("half precision", policy, rows, lambda x: body(x, policy))


def _mixed(x: Any, policy: str) -> Any:
    hidden = L.Dense(8, "relu", dtype=policy)(L.LayerNormalization(dtype=policy)(x))
    return L.Dense(2, dtype="float32")(hidden)


for _policy in ("mixed_float16", "mixed_bfloat16", "float16"):
    _half(_policy, _mixed, TABLE)

ARCHITECTURES: Mapping[str, Architecture] = dict(_FOUND)
