"""Kinds of Keras models, exported and proven in Node on both backends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.problems.backend import keras
from mltk.tfjs import Rows, export_model, predict_bundle, read_bundle, verify_bundle

pytestmark = pytest.mark.usefixtures("standing_node")

L = keras.layers
RANDOM = np.random.default_rng(3)
ROWS = RANDOM.normal(size=(20, 10)).astype("float32")
IMAGES = RANDOM.normal(size=(20, 8, 8, 1)).astype("float32")
SERIES = RANDOM.normal(size=(20, 6, 3)).astype("float32")
CODES = RANDOM.integers(0, 4, size=(20, 3))


def _dense(activation: str) -> Callable[[Any], Any]:
    return lambda x: L.Dense(3)(L.Dense(16, activation)(x))


def _one_hot(x: Any) -> Any:
    codes = L.CategoryEncoding(4, output_mode="one_hot")(keras.ops.cast(x[:, 1:2], "int32"))
    return L.Dense(2, "softmax")(L.Concatenate()([x[:, :1], codes]))


def _buckets(x: Any) -> Any:
    return L.Dense(2)(keras.ops.cast(L.Discretization([-1.0, 0.0, 1.0])(x), "float32"))


def _convolution(x: Any) -> Any:
    x = L.BatchNormalization()(L.Conv2D(4, 3, activation="tanh")(x))
    return L.Dense(3, "softmax")(L.Flatten()(L.MaxPooling2D()(x)))


def _autoencoder(x: Any) -> Any:
    x = L.Conv2DTranspose(4, 3, padding="same", activation="tanh")(
        L.Conv2D(4, 3, strides=2, padding="same")(x)
    )
    return L.Conv2D(1, 3, padding="same")(L.UpSampling2D(interpolation="bilinear")(x))


def _mixture(x: Any) -> Any:
    hidden = L.Dense(8, "gelu")(L.LayerNormalization()(x))
    scale = keras.ops.softplus(L.Dense(3)(hidden)) + 1e-3
    away = (x[:, :1] - L.Dense(3)(hidden)) / scale
    weight = keras.ops.log_softmax(L.Dense(3)(hidden))
    density = weight - 0.5 * keras.ops.square(away) - keras.ops.log(scale)
    return keras.ops.logsumexp(density, axis=-1)


MODELS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    **{
        name: (ROWS, _dense(name))
        for name in ("relu", "elu", "selu", "gelu", "tanh", "sigmoid", "softplus", "silu")
    },
    "softsign": (ROWS, _dense("softsign")),
    "one-hot": (np.abs(ROWS[:, :3]).astype("int32").astype("float32"), _one_hot),
    "multi-hot": (CODES, lambda x: L.Dense(1)(L.CategoryEncoding(4, "multi_hot")(x))),
    "embedding": (CODES, lambda x: L.Dense(1)(L.Flatten()(L.Embedding(4, 5)(x)))),
    "buckets": (ROWS, _buckets),
    "convolution": (IMAGES, _convolution),
    "autoencoder": (IMAGES, _autoencoder),
    "lstm": (SERIES, lambda x: L.Dense(1)(L.LSTM(4)(x))),
    "gru": (SERIES, lambda x: L.Dense(1)(L.Bidirectional(L.GRU(4))(x))),
    "causal": (SERIES, lambda x: L.Flatten()(L.Conv1D(4, 3, padding="causal")(x))),
    "mixture": (ROWS, _mixture),
    "attention": (SERIES, lambda x: L.Flatten()(L.MultiHeadAttention(2, 4)(x, x))),
    "dense-einsum": (SERIES, lambda x: L.EinsumDense("abc,cd->abd", (None, 5))(x)),
    "truth": (ROWS, lambda x: L.Dense(1)(x) > 0),
}


@pytest.mark.parametrize("name", MODELS)
def test_both_backends_compute_what_keras_does(
    name: str, functional: Callable[..., Any], tmp_path: Path
) -> None:
    rows, body = MODELS[name]
    kind = "int32" if rows.dtype.kind == "i" else "float32"
    model = functional(rows.shape[1:], body, kind)
    digest = export_model(model, tmp_path / "bundle", rows)
    expected = {"y": np.asarray(model(rows, training=False)["y"])}
    found = verify_bundle(tmp_path / "bundle", rows=Rows({"x": rows}, expected))
    assert found.digest == digest
    assert [check.backend for check in found.backends] == ["cpu", "wasm"]
    for check in found.backends:
        assert check.rows == 20
        assert check.max_relative_error < 1e-5


def _two_heads() -> Any:
    first, second = keras.Input((3,), name="zebra"), keras.Input((2,), name="ant")
    hidden = L.Dense(4, "tanh")(L.Concatenate()([first, second]))
    outputs = {"std": L.Dense(1, "softplus")(hidden), "mean": L.Dense(2)(hidden)}
    return keras.Model({"zebra": first, "ant": second}, outputs)


def test_several_inputs_and_outputs_go_by_name(tmp_path: Path) -> None:
    model = _two_heads()
    rows = {"zebra": ROWS[:, :3], "ant": ROWS[:, 3:5]}
    export_model(model, tmp_path, rows)
    expected = model(rows)
    for backend in ("cpu", "wasm"):
        found = predict_bundle(tmp_path, rows, backend)
        assert sorted(found) == ["mean", "std"]
        for name, array in found.items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-5, atol=1e-6)


class _Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.layer = L.Dense(2)

    def call(self, inputs: Any) -> Any:
        return {"twice": 2 * self.layer(inputs)}


@pytest.mark.parametrize(
    ("make", "output"),
    [
        (lambda: keras.Sequential([keras.Input((10,)), L.Dense(1)]), "output"),
        (lambda: keras.Sequential([L.Dense(1)]), "output"),
        (_Subclassed, "twice"),
    ],
    ids=["sequential", "sequential-without-input", "subclassed"],
)
def test_models_without_names_get_plain_ones(
    make: Callable[[], Any], output: str, tmp_path: Path
) -> None:
    export_model(make(), tmp_path, ROWS)
    manifest = read_bundle(tmp_path).manifest
    assert [port.name for port in manifest.inputs] == ["input"]
    assert manifest.inputs[0].shape == (None, 10)
    assert [port.name for port in manifest.outputs] == [output]
    assert verify_bundle(tmp_path).backends[1].max_relative_error < 1e-5


def test_an_unrolled_layer_keeps_its_weights_once_and_the_model_as_it_was(
    functional: Callable[..., Any], tmp_path: Path
) -> None:
    model = functional((40, 3), lambda x: L.LSTM(8)(x))
    weights = 4 * sum(int(np.prod(weight.shape)) for weight in model.weights)
    export_model(model, tmp_path, np.zeros((2, 40, 3), "float32"))
    shards = sum(path.stat().st_size for path in tmp_path.glob("*.bin"))
    assert weights <= shards < 2 * weights
    assert model.layers[1].unroll is False


@pytest.mark.parametrize(
    ("quantization", "share", "limit"),
    [("float16", 0.52, 1e-2), ("uint16", 0.52, 1e-3), ("uint8", 0.28, 5e-2)],
)
def test_quantization_shrinks_the_kernels_and_the_self_test_knows(
    quantization: Any, share: float, limit: float, functional: Callable[..., Any], tmp_path: Path
) -> None:
    normal = L.Normalization()
    wide = np.concatenate([ROWS, ROWS * 1e4], axis=1)
    normal.adapt(wide)
    model = functional((20,), lambda x: L.Dense(2)(L.Dense(256, "tanh")(normal(x))))
    export_model(model, tmp_path / "exact", wide)
    export_model(model, tmp_path / "small", wide, quantization=quantization)
    sizes = [
        sum(path.stat().st_size for path in (tmp_path / name).glob("*.bin"))
        for name in ("exact", "small")
    ]
    # The biases and the normalization stay exact: 1.5 of 24 kB.
    assert sizes[1] < share * sizes[0] + 1500
    assert read_bundle(tmp_path / "small").manifest.quantization == quantization
    assert verify_bundle(tmp_path / "small").backends[1].max_relative_error < 1e-5
    rows = Rows({"x": wide}, {"y": np.asarray(model(wide)["y"])})
    worst = max(c.max_relative_error for c in verify_bundle(tmp_path / "small", rows=rows).backends)
    assert 1e-6 < worst < limit


@pytest.mark.parametrize(("tolerance", "taken"), [(1e-9, "none"), (1e-3, "uint16"), (0.5, "uint8")])
def test_the_storage_is_chosen_by_measuring(
    tolerance: float, taken: str, functional: Callable[..., Any], tmp_path: Path
) -> None:
    model = functional((10,), lambda x: L.Dense(2)(L.Dense(64, "tanh")(x)))
    options = {"quantization": "auto", "tolerance": tolerance, "golden_rows": 2}
    digests = {export_model(model, tmp_path / name, ROWS, **options) for name in ("a", "b")}
    assert len(digests) == 1
    told = read_bundle(tmp_path / "a").manifest
    assert told.quantization == taken
    assert [t.quantization for t in told.quantization_trials] == [
        "none",
        "uint16",
        "float16",
        "uint8",
    ]
    (chosen,) = (t for t in told.quantization_trials if t.quantization == taken)
    shards = sum(path.stat().st_size for path in (tmp_path / "a").glob("*.bin"))
    assert shards == chosen.weight_bytes
    rows = Rows({"x": ROWS}, {"y": np.asarray(model(ROWS)["y"])})
    for check in verify_bundle(tmp_path / "a", rows=rows).backends:
        assert check.max_relative_error <= max(chosen.max_relative_error or 0.0, 0.0) + 1e-6
