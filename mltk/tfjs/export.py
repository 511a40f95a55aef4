"""Export of a Keras model as a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from mltk.data.arrays import Array
from mltk.errors import ConfigError, StepError
from mltk.tfjs import converter
from mltk.tfjs.bundle import describe_files, replacing, unwritable
from mltk.tfjs.callee import Callee, Sample, callee
from mltk.tfjs.manifest import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    BundleDescription,
    Golden,
    GoldenTensor,
    Input,
    Manifest,
    Output,
    OutputMeaning,
    Quantization,
    Trial,
    digest_of,
)
from mltk.tfjs.operations import refuse_lacking
from mltk.tfjs.quantize import TOLERANCE, choose
from mltk.tfjs.tracing import Port, freeze, layer_names


def export_model(
    keras_model: Any,
    folder: str | Path,
    sample: Sample,
    *,
    description: BundleDescription | None = None,
    quantization: Quantization | Literal["auto"] = "none",
    tolerance: float = TOLERANCE,
    trial_rows: Sample | None = None,
    golden_rows: int = 8,
) -> str:
    """Write `keras_model` as a bundle into `folder` and give the bundle's digest.

    `sample` is what the model is called with: an array, or arrays by input. Its first
    `golden_rows` rows become the self-test of the bundle. A bundle that is there is replaced, and
    only when the new one is complete. The same model and arguments give the same digest.

    `quantization` "auto" takes the smallest storage of the weights whose error is at most
    `tolerance` of the output's scale on `trial_rows` (the sample when there are none); what was
    measured stands in the bundle.

    Raises ConfigError for what TensorFlow.js cannot compute (layer named), StepError when the
    model gives no finite numbers, InfrastructureError when the folder cannot be written.
    """
    told = description or BundleDescription()
    called = callee(keras_model, sample)
    rows = [array[:golden_rows] for array in called.arrange(sample)]
    if not rows[0].shape[0]:
        raise ConfigError("the sample has no row", hint="give at least one row of inputs")
    converted, trials = _stored(
        converter.convert(freeze(called), layer_names(keras_model)),
        quantization,
        _by_name(called, called.arrange(sample if trial_rows is None else trial_rows)),
        tolerance,
    )
    _refuse_unknown("input", told.features, converted.inputs)
    _refuse_unknown("output", told.outputs, converted.outputs)
    golden = _golden(called, rows, converted, told)
    with replacing(Path(folder)) as draft:
        _write_model(converted, draft, Path(folder))
        content = _manifest(told, converted, golden, draft, trials).encode()
        (draft / MANIFEST_FILE).write_bytes(content)
    return digest_of(content)


def check_exportable(
    keras_model: Any, sample: Sample | None = None, *, backends: Iterable[str] = ("cpu", "wasm")
) -> None:
    """Refuse a model that TensorFlow.js cannot compute; it need not be trained, nor is it run.

    A model that does not declare its inputs (a subclass of keras.Model) needs a `sample` of them.

    Raises ConfigError that names the operation and its layer, and what to do instead.
    """
    layers = layer_names(keras_model)
    converted = converter.convert(freeze(callee(keras_model, sample)), layers)
    refuse_lacking(converted.graph, backends, converted.origins, layers)


def _write_model(converted: converter.Converted, draft: Path, folder: Path) -> None:
    try:
        converter.write(converted, draft)
    except tf.errors.OpError as error:
        # TensorFlow writes the shards and has errors of its own: "path; No space left on device".
        raise unwritable(folder, error.message.rpartition("; ")[2]) from error


def _manifest(
    told: BundleDescription,
    converted: converter.Converted,
    golden: Golden,
    folder: Path,
    trials: tuple[Trial, ...],
) -> Manifest:
    files = describe_files(folder)
    return Manifest(
        format_version=FORMAT_VERSION,
        name=told.name,
        problem=told.problem,
        description=told.description,
        inputs=tuple(
            Input(port.name, port.shape, port.dtype, tuple(told.features.get(port.name, ())))
            for port in converted.inputs
        ),
        outputs=tuple(_output(port, told) for port in converted.outputs),
        metrics=told.metrics,
        lineage=told.lineage,
        quantization=converted.quantization,
        files=files,
        total_bytes=sum(file.bytes for file in files),
        golden=golden,
        quantization_trials=trials,
    )


def _output(port: Port, told: BundleDescription) -> Output:
    said = told.outputs.get(port.name, OutputMeaning())
    told_of = (said.meaning, said.unit, said.classes, said.thresholds)
    return Output(port.name, port.shape, port.dtype, *told_of)


def _golden(
    called: Callee, rows: list[Array], converted: converter.Converted, told: BundleDescription
) -> Golden:
    inputs = _by_name(called, rows)
    for name, array in inputs.items():
        known = told.features.get(name, ())
        gaps = [each.missing != "error" for each in known for _ in range(each.columns)]
        held = np.where(np.isnan(array) & gaps, 0, array) if any(gaps) else array
        _refuse_not_finite(f"input '{name}' of the sample", held)
    if converted.quantized:
        outputs = converter.run(converted, inputs)
    else:
        outputs = {name: np.asarray(tensor) for name, tensor in called(rows).items()}
    for name, array in outputs.items():
        _refuse_not_finite(f"output '{name}' of the model", array)
    return Golden(
        {port.name: _tensor(inputs[port.name], port) for port in converted.inputs},
        {port.name: _tensor(outputs[port.name], port) for port in converted.outputs},
        tuple(map(dict, told.records)),
    )


def _stored(
    exact: converter.Converted,
    quantization: Quantization | Literal["auto"],
    rows: Mapping[str, Array],
    tolerance: float,
) -> tuple[converter.Converted, tuple[Trial, ...]]:
    if quantization == "auto":
        return choose(exact, rows, tolerance)
    return converter.quantize(exact, quantization), ()


def _by_name(called: Callee, rows: Sequence[Array]) -> dict[str, Array]:
    return {spec.name: array for spec, array in zip(called.inputs, rows, strict=True)}


def _tensor(array: Array, port: Port) -> GoldenTensor:
    # JSON has numbers for all three types; a truth value is 0 or 1.
    values = array.astype("int32" if port.dtype == "bool" else port.dtype)
    data = (None if value != value else value for value in values.ravel().tolist())
    return GoldenTensor(values.shape, port.dtype, tuple(data))


def _refuse_not_finite(what: str, array: Array) -> None:
    bad = np.argwhere(~np.isfinite(array.astype(np.float64)))
    if len(bad):
        raise StepError(
            f"{what} is {array[tuple(bad[0])]} in row {bad[0][0]}: "
            "a self-test needs finite numbers",
            hint="look at the rows and at the loss of the training",
        )


def _refuse_unknown(kind: str, told: Mapping[str, Any], ports: tuple[Port, ...]) -> None:
    names = [port.name for port in ports]
    for name in told:
        if name not in names:
            raise ConfigError(
                f"the description speaks of {kind} '{name}', which the model does not have",
                hint=f"{kind}s of the model: {', '.join(names)}",
            )
