"""Kinds of problem that learn the rows themselves, as processes: to the proof in Node.js, twice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from mltk.records import Evaluation, Verification
from mltk.steps.predictions import Predictions
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import bundle_digest, predict_bundle, read_bundle
from mltk.tfjs.node import RUNTIME, find_node, packages

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]
STEPS = ("validate", "train", "evaluate", "export", "verify")
COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]

pytestmark = pytest.mark.slow


def learnt(project: Project, run_steps: Run, problem: str, **spec: Any) -> list[RunWorkspace]:
    """Two workspaces of the same model, each by a process of its own."""
    made = []
    for name in ("first", "second"):
        rows = load_iris().data.tolist()
        spec |= {"problem": problem, "target": None}
        spec |= {"features": [{"name": column} for column in COLUMNS]}
        workspace = project(COLUMNS, rows, name=name, **spec)
        done = run_steps(workspace, *STEPS)
        assert done.returncode == 0, done.stderr
        made.append(workspace)
    first, second = made
    assert bundle_digest(first.bundle) == bundle_digest(second.bundle)
    errors = [check.max_relative_error for check in first.read(Verification).backends]
    assert len(errors) == 2 and max(errors) < 1e-4
    return made


def test_a_density_tells_anomalies_from_rows_in_node(project: Project, run_steps: Run) -> None:
    workspace, _ = learnt(
        project, run_steps, "density", settings={"estimator": "mixture", "quantile": 0.05}
    )
    bundle = read_bundle(workspace.bundle)
    (output,) = bundle.manifest.outputs
    (threshold,) = output.thresholds
    assert (threshold.quantile, threshold.rows, threshold.side) == (0.05, 22, "below")
    assert workspace.read(Evaluation).thresholds == (threshold,)
    seen = Predictions.read(workspace.predictions_file).features
    broken = np.array([[50, 0.1, 5, 0.2], [5, 3.4, 1.5, 20]], dtype=np.float32)
    scores = predict_bundle(workspace.bundle, np.concatenate([seen, broken]))["log_density"][:, 0]
    assert (scores[-2:] < threshold.value).all()
    assert (scores[:-2] < threshold.value).mean() < 0.25


@pytest.mark.parametrize(
    ("settings", "width"),
    [({"latent": 2}, 6), ({"generator": "diffusion", "steps": 10}, 4)],
    ids=["vae", "diffusion"],
)
def test_a_generator_draws_the_same_from_the_same_noise(
    project: Project, run_steps: Run, settings: dict[str, Any], width: int
) -> None:
    training = {"epochs": 100, "learning_rate": 0.01}
    workspace, _ = learnt(project, run_steps, "generative", settings=settings, training=training)
    evaluation = workspace.read(Evaluation)
    assert [metric.name for metric in evaluation.metrics] == ["mmd2", "told_apart"]
    assert set(evaluation.baselines) == {"trivial", "gaussian"}
    manifest = read_bundle(workspace.bundle).manifest
    (given,), (drawn,) = manifest.inputs, manifest.outputs
    assert (given.name, given.shape, drawn.classes) == (
        "noise", (None, width), tuple(COLUMNS),
    )  # fmt: skip
    assert {column.description for column in given.features} == {
        "a standard normal number, drawn anew for each sample"
    }
    noise = np.random.default_rng(1).standard_normal((200, width)).astype(np.float32)
    first, again = (predict_bundle(workspace.bundle, noise)["sample"] for _ in range(2))
    assert (first == again).all()
    real = load_iris().data
    assert np.abs(first.mean(axis=0) - real.mean(axis=0)).max() < 1
    assert (first.std(axis=0) > 0.4 * real.std(axis=0)).all()


_DECODER_ALONE = """
import { createRequire } from "node:module";
import { join } from "node:path";
const [modules, runtime, folder] = process.argv.slice(2);
const { handler } = await import(join(runtime, "bundle.mjs"));
const { readBundle } = await import(join(runtime, "files.mjs"));
const require = createRequire(join(modules, "package.json"));
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
const { loadGraphModel } = require("@tensorflow/tfjs-converter");
await tf.setBackend("cpu");
const bundle = readBundle(folder);
const model = await loadGraphModel(handler(bundle));
const row = tf.tensor2d([[5.1, 3.4, 1.5, 0.2]]);
const code = await model.executeAsync({ features: row }, "code");
const again = model.execute({ codes: code }, "decoded");
const both = model.execute({ features: row }, "reconstruction");
console.log(JSON.stringify([again, both].map((tensor) => Array.from(tensor.dataSync()))));
"""


def test_a_reduction_is_encoder_and_decoder_in_one_graph(
    project: Project, run_steps: Run, tmp_path: Path
) -> None:
    training = {"epochs": 80, "learning_rate": 0.01}
    workspace, _ = learnt(project, run_steps, "reduction", settings={"width": 1}, training=training)
    evaluation = workspace.read(Evaluation)
    assert evaluation.primary.name == "reconstruction_error"
    pca, trivial = (evaluation.baselines[name] for name in ("pca", "trivial"))
    assert evaluation.primary.value <= pca["reconstruction_error"] < 0.5
    assert trivial["reconstruction_error"] == pytest.approx(1, abs=0.05)
    outputs = {port.name: port.classes for port in read_bundle(workspace.bundle).manifest.outputs}
    assert outputs == {"code": (), "decoded": tuple(COLUMNS), "reconstruction": tuple(COLUMNS)}
    script = tmp_path / "decoder.mjs"
    script.write_text(_DECODER_ALONE)
    node = find_node()
    done = subprocess.run(
        [node.path, script, packages(node), RUNTIME, workspace.bundle],
        capture_output=True,
        text=True,
        check=True,
    )
    again, both = json.loads(done.stdout)
    assert again == pytest.approx(both, rel=1e-6)
    assert again == pytest.approx([5.1, 3.4, 1.5, 0.2], abs=0.7)


@pytest.mark.parametrize("problem", ["density", "reduction", "generative"])
def test_a_training_that_diverges_or_a_target_too_many_is_said(
    project: Project, run_steps: Run, problem: str
) -> None:
    spec: dict[str, Any] = {
        "problem": problem,
        "target": None,
        "features": [{"name": column} for column in COLUMNS],
        "training": {"epochs": 5, "learning_rate": 1e30},
    }
    workspace = project(COLUMNS, load_iris().data.tolist(), **spec)
    done = run_steps(workspace, "validate", "train")
    assert done.returncode == 1
    assert "error: the training diverged: in epoch" in done.stderr
    assert "Traceback" not in done.stderr
    spec |= {"target": {"name": "petal_width"}, "features": spec["features"][:3]}
    workspace = project(COLUMNS, load_iris().data.tolist(), name="target", **spec)
    done = run_steps(workspace, "validate")
    assert done.returncode == 3
    assert f"{problem} learns from the features alone, and takes no target" in done.stderr
