"""Models that JavaScript cannot run: one error that names the layer, and no bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.errors import ConfigError, StepError
from mltk.problems.backend import keras, tf
from mltk.tfjs import (
    BundleDescription,
    OutputMeaning,
    check_exportable,
    export_model,
    verify_bundle,
)

L = keras.layers
ROWS = np.random.default_rng(0).normal(size=(9, 10)).astype("float32")


@keras.saving.register_keras_serializable("test")
class Sampling(L.Layer):
    def build(self, input_shape: Any) -> None:
        self.seed = keras.random.SeedGenerator(3)

    def call(self, inputs: Any) -> Any:
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seed)


class Loop(L.Layer):
    def call(self, inputs: Any) -> Any:
        return tf.while_loop(lambda x: tf.reduce_sum(x) < 9, lambda x: (x + 1,), (inputs,))[0]


class Spectrum(L.Layer):
    def call(self, inputs: Any) -> Any:
        return tf.abs(tf.signal.rfft(inputs))


class Gamma(L.Layer):
    def call(self, inputs: Any) -> Any:
        return tf.math.lgamma(inputs)


class Table(L.Layer):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        pairs = tf.lookup.KeyValueTensorInitializer([3, 5], [0.5, 1.5])
        self.table = tf.lookup.StaticHashTable(pairs, -1.0)

    def call(self, inputs: Any) -> Any:
        return self.table.lookup(tf.cast(inputs, tf.int32))


def _lookup(x: Any) -> Any:
    return Table(name="codes")(x)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (lambda x: Sampling(name="noise")(x), "layer 'noise' draws random numbers"),
        (lambda x: Loop(name="loop")(x), "layer 'loop' has control flow"),
        (lambda x: Gamma(name="gamma")(x), "layer 'gamma' needs Lgamma"),
        (_lookup, "layer 'codes' looks values up in a table"),
        (lambda x: keras.ops.sum(x), r"output 'y' has shape \(\), not one row for each"),
        (lambda x: keras.ops.log(x * 0 - 1), "output 'y' of the model is nan in row 0"),
    ],
)
def test_what_cannot_be_exported_is_named(
    body: Callable[[Any], Any], complaint: str, functional: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises((ConfigError, StepError), match=complaint) as caught:
        export_model(functional((10,), body), tmp_path / "bundle", ROWS)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_strings_stay_outside(functional: Callable[..., Any], tmp_path: Path) -> None:
    vectors = L.TextVectorization(vocabulary=["a"], output_sequence_length=2)
    model = functional((1,), lambda x: keras.ops.cast(vectors(x), "float32"), "string")
    with pytest.raises(ConfigError, match="'x' is of type string"):
        export_model(model, tmp_path, np.array([["a"]]))


def test_an_open_number_of_steps_cannot_be_unrolled(
    functional: Callable[..., Any], tmp_path: Path
) -> None:
    model = functional((None, 3), lambda x: L.LSTM(2, name="memory")(x))
    with pytest.raises(ConfigError, match="'memory' is recurrent over an open number of steps"):
        export_model(model, tmp_path, np.zeros((2, 4, 3), "float32"))


def test_an_input_without_influence_is_named(tmp_path: Path) -> None:
    used, idle = keras.Input((10,), name="used"), keras.Input((10,), name="idle")
    model = keras.Model([used, idle], L.Dense(1)(used))
    with pytest.raises(ConfigError, match="no output depends on input 'idle'"):
        export_model(model, tmp_path, [ROWS, ROWS])


def test_a_name_for_two_things_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((10,), name="x")
    model = keras.Model(inputs, {"x": L.Dense(10)(inputs)})
    with pytest.raises(ConfigError, match="'x' is the name of an input and of an output"):
        export_model(model, tmp_path, ROWS)


@pytest.mark.parametrize(
    ("sample", "complaint"),
    [
        (ROWS[:, :3], r"shape \(9, 3\), the model takes \(None, 10\)"),
        ({"z": ROWS}, "no rows for input 'x'"),
        ([ROWS, ROWS], "2 arrays for 1 inputs"),
        (ROWS[:0], "the sample has no row"),
        (ROWS * np.nan, "input 'x' of the sample is nan in row 0"),
    ],
)
def test_a_sample_that_does_not_fit(
    sample: Any, complaint: str, functional: Callable[..., Any], tmp_path: Path
) -> None:
    model = functional((10,), lambda x: L.Dense(1)(x))
    with pytest.raises((ConfigError, StepError), match=complaint):
        export_model(model, tmp_path / "bundle", sample)


def test_a_description_of_what_is_not_there(functional: Callable[..., Any], tmp_path: Path) -> None:
    told = BundleDescription(outputs={"z": OutputMeaning("?")})
    with pytest.raises(ConfigError, match="output 'z', which the model does not have"):
        export_model(functional((10,), lambda x: L.Dense(1)(x)), tmp_path, ROWS, description=told)


def test_an_operation_that_one_backend_lacks_is_found_by_running_it(
    functional: Callable[..., Any], tmp_path: Path
) -> None:
    model = functional((8,), lambda x: Spectrum()(x))
    export_model(model, tmp_path, np.ones((2, 8), "float32"))
    assert verify_bundle(tmp_path, ["cpu"]).backends[0].max_relative_error < 1e-5
    with pytest.raises(StepError, match=r"the wasm backend of .* has no kernel for \w+"):
        verify_bundle(tmp_path)


def test_an_operation_that_javascript_gets_wrong_is_found_by_the_golden_rows(
    functional: Callable[..., Any], tmp_path: Path
) -> None:
    class SummedAlone(L.Layer):
        def call(self, inputs: Any) -> Any:
            return tf.raw_ops.Einsum(inputs=[inputs, tf.ones((3,))], equation="abc,c->a")

    model = functional((3, 3), lambda x: SummedAlone()(x))
    export_model(model, tmp_path, np.ones((2, 3, 3), "float32"))
    with pytest.raises(StepError, match=r"output 'y' has shape \[1, 3\] where \[2\] is right"):
        verify_bundle(tmp_path, ["cpu"])


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (lambda x: Sampling(name="noise")(x), "layer 'noise' draws random numbers"),
        (lambda x: Gamma(name="gamma")(x), "layer 'gamma' needs Lgamma"),
        (
            lambda x: Spectrum(name="spectrum")(x),
            "layer 'spectrum' needs RFFT, for which the wasm backend of .* has no kernel",
        ),
        (
            lambda x: L.Hashing(4, name="hashed")(keras.ops.cast(x, "int32")),
            "layer 'hashed' works on strings",
        ),
    ],
)
def test_what_cannot_be_exported_is_named_before_training(
    body: Callable[[Any], Any], complaint: str, functional: Callable[..., Any]
) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        check_exportable(functional((8,), body))
    assert caught.value.hint


def test_a_model_that_tells_no_inputs_needs_a_sample() -> None:
    class Subclassed(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    with pytest.raises(ConfigError, match="does not tell its inputs"):
        check_exportable(Subclassed())
    check_exportable(Subclassed(), ROWS)
