"""The table of what a backend lacks, held against the backend itself."""

from __future__ import annotations

import json
import subprocess

from tensorflow.core.framework.graph_pb2 import GraphDef

from mltk.problems.backend import tf
from mltk.tfjs.node import find_node, packages
from mltk.tfjs.operations import LACKING, REFUSALS
from mltk.tfjs.stock import converter

_LIST = """
const load = require("node:module").createRequire(process.argv[1]);
const tf = load("@tensorflow/tfjs-core");
load("@tensorflow/tfjs-backend-cpu");
load("@tensorflow/tfjs-backend-wasm");
const names = (backend) => tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName);
process.stdout.write(JSON.stringify({ cpu: names("cpu"), wasm: names("wasm") }));
"""
# Of ragged tensors, which Keras does not make for a model's call.
_NEVER_MADE = {"RaggedGather", "RaggedRange", "RaggedTensorToTensor"}


def test_whatever_wasm_lacks_is_refused_by_name() -> None:
    node = find_node()
    done = subprocess.run(
        [node.path, "--no-warnings", "-e", _LIST, packages(node) / "package.json"],
        check=True,
        capture_output=True,
    )
    kernels = {name: set(found) for name, found in json.loads(done.stdout).items()}
    lacking = (kernels["cpu"] - kernels["wasm"]) & _known_operations()
    refused = {name for name in lacking if any(r.ops.fullmatch(name) for r in REFUSALS)}
    assert lacking - refused - _NEVER_MADE <= LACKING["wasm"]
    # These two are computed by the kernels of the others.
    assert LACKING["wasm"] - {"RFFT", "IRFFT"} <= lacking


def _known_operations() -> set[str]:
    """Give the operations of TensorFlow that the converter takes."""
    graph = GraphDef()
    for name in vars(tf.raw_ops):
        graph.node.add(name=name, op=name)
    return {node.op for node in graph.node} - set(converter.validate(graph, False, False))
