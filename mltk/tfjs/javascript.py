"""Calls of the JavaScript runtimes: a job goes in, the answers of all backends come out."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mltk.data.arrays import Array
from mltk.errors import ConfigError, InfrastructureError, StepError
from mltk.tfjs import service
from mltk.tfjs.bundle import Bundle
from mltk.tfjs.chromium import Chromium
from mltk.tfjs.node import RUNTIME, find_node, packages

PAGE_BACKENDS: Mapping[str, str] = {
    "webgl": "webgl",
    "webgpu": "webgpu",
    "browser-cpu": "cpu",
    "browser-wasm": "wasm",
}
"""Which backends run in a page, and what TensorFlow.js calls them; all others run in Node.js."""

# bool travels as one byte a value, numbers as four, all little-endian.
_WIRE = {"float32": "<f4", "int32": "<i4", "bool": "u1"}


@dataclasses.dataclass(frozen=True)
class Timed:
    """How many predictions of one row to time, after how many that only warm up."""

    count: int
    warmup: int


@dataclasses.dataclass(frozen=True)
class GoldenErrors:
    """The self-test of a bundle on one backend: the largest errors over `rows` rows."""

    rows: int
    absolute: float
    relative: float
    not_finite: int


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one backend computed; `outputs` is empty when no rows were given.

    `timings` are the milliseconds of predictions of one row, as many as were asked for.
    """

    backend: str
    golden: GoldenErrors
    outputs: dict[str, Array]
    timings: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Reply:
    """The answers by backend, and the versions that gave them."""

    runtime: dict[str, str]
    answers: tuple[Answer, ...]


def execute(
    bundle: Bundle,
    backends: Sequence[str],
    inputs: Mapping[str, Array] | None = None,
    *,
    batch: int = 256,
    browser: Chromium | None = None,
    timed: Timed | None = None,
) -> Reply:
    """Run the self-test of a bundle, and the rows of `inputs`, on every backend.

    One process runs all those of Node.js, the one that stays if there is one (`service`); the
    others run in a page of `browser`, or of a Chromium that is started for it (PAGE_BACKENDS).

    With `timed` predictions of single rows of `inputs` are timed, too, in Node.js alone: a page
    rounds its clock.

    Raises StepError, naming the backend, when the model does not run there, ConfigError for rows
    that do not fit the inputs and for a page that is to be timed, InfrastructureError when Node.js
    or Chromium is missing or breaks down.
    """
    rows = None if inputs is None else _encode(bundle, inputs)
    answers: dict[str, Answer] = {}
    runtime: dict[str, str] = {}
    in_page = [backend for backend in backends if backend in PAGE_BACKENDS]
    in_node = [backend for backend in backends if backend not in PAGE_BACKENDS]
    if timed and in_page:
        raise ConfigError(f"predictions are timed in Node.js alone, not on {', '.join(in_page)}")
    for chosen, run in ((in_node, _run_node), (in_page, functools.partial(_run_page, browser))):
        if chosen:
            job = {"backends": chosen, "inputs": rows, "batch": batch}
            job["timed"] = None if timed is None else dataclasses.asdict(timed)
            reply = run(bundle, job)
            if "error" in reply:
                raise _failure(bundle, **reply["error"])
            runtime |= reply["runtime"]
            found = map(_answer, reply["results"], chosen)
            answers |= {answer.backend: answer for answer in found}
    return Reply(runtime, tuple(answers[backend] for backend in backends))


def _run_page(browser: Chromium | None, bundle: Bundle, job: dict[str, Any]) -> Any:
    job = {**job, "backends": [PAGE_BACKENDS[backend] for backend in job["backends"]]}
    folder = bundle.folder.resolve()
    if browser:
        return browser.run(job, folder)
    with Chromium() as opened:
        return opened.run(job, folder)


def _run_node(bundle: Bundle, job: dict[str, Any]) -> Any:
    if (reply := service.ask(bundle, job)) is not None:
        return reply
    node = find_node()
    job = {**job, "modules": str(packages(node)), "bundle": str(bundle.folder.resolve())}
    done = subprocess.run(
        [node.path, RUNTIME / "predict.mjs"],
        input=json.dumps(job).encode(),
        capture_output=True,
        check=False,
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise InfrastructureError(
            f"Node.js ended with code {done.returncode}: {' '.join(lines[-3:])[-400:]}",
            where=str(node.path),
            hint="mltk doctor tells which Node.js that is; MLTK_NODE names another",
        ) from None


def _encode(bundle: Bundle, inputs: Mapping[str, Array]) -> dict[str, Any]:
    wanted = {port.name: port for port in bundle.manifest.inputs}
    if set(inputs) != set(wanted):
        raise ConfigError(
            f"the model takes {', '.join(wanted)}; rows are given for {', '.join(inputs) or 'none'}"
        )
    encoded = {}
    for name, port in wanted.items():
        array = np.asarray(inputs[name])
        if array.ndim != len(port.shape) or any(
            size not in (None, found) for size, found in zip(port.shape, array.shape, strict=True)
        ):
            raise ConfigError(
                f"rows for input '{name}' have shape {array.shape}, the model takes {port.shape}"
            )
        data = np.ascontiguousarray(array, dtype=_WIRE[port.dtype]).tobytes()
        encoded[name] = {
            "shape": list(array.shape),
            "dtype": port.dtype,
            "data": base64.b64encode(data).decode(),
        }
    if len({tensor["shape"][0] for tensor in encoded.values()}) > 1:
        raise ConfigError("the inputs have different numbers of rows")
    return encoded


def _answer(result: Mapping[str, Any], backend: str) -> Answer:
    golden = result["golden"]
    return Answer(
        backend,
        GoldenErrors(golden["rows"], golden["absolute"], golden["relative"], golden["notFinite"]),
        {name: _decode(tensor) for name, tensor in (result["outputs"] or {}).items()},
        tuple(result["timings"]),
    )


def _decode(tensor: Mapping[str, Any]) -> Array:
    values = np.frombuffer(base64.b64decode(tensor["data"]), dtype=_WIRE[tensor["dtype"]])
    return values.reshape(tensor["shape"]).astype(tensor["dtype"])


def _failure(
    bundle: Bundle, message: str, backend: str | None = None, file: str | None = None
) -> StepError:
    where = str(bundle.folder)
    if file is not None:
        return StepError(f"the bundle is not what was exported: {message}", where=where)
    # What TensorFlow.js says when a backend lacks an operation.
    kernel = re.match(r"Kernel '(\w+)' not registered for backend", message)
    if kernel:
        return StepError(
            f"the {backend} backend of TensorFlow.js has no kernel for {kernel[1]}",
            where=where,
            hint=f"leave '{backend}' out of the backends, or write the layer without {kernel[1]}",
        )
    return StepError(f"the model does not run on the {backend} backend: {message}", where=where)
