"""The steps export and verify as processes, on what the steps before them leave behind."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mltk.errors import InfrastructureError
from mltk.problems.backend import keras
from mltk.records import Evaluation, Metric, Source, TableReport, Verification
from mltk.steps.inputs import invented_rows
from mltk.steps.predictions import Predictions
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import bundle_digest, export_model, read_bundle

# Keras 3 saves weights through an array protocol that NumPy 2 calls old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS = np.random.default_rng(2).normal(size=(30, 2)).astype("float32")
MODEL = {
    "problem": "classification",
    "description": "Which of two.",
    "data": {"path": "t.csv"},
    "target": {"name": "kind"},
    "features": [
        {"name": "size", "unit": "m", "min": 0},
        {"name": "colour", "type": "categorical", "values": ["red", "green"]},
    ],
    "export": {"golden_rows": 5},
}
RUN = "import sys; from mltk.steps import step; step(sys.argv[1:])"
# No file may grow beyond 600 bytes, which is enough for the weights only.
FULL = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600)); {RUN}"


def step(*arguments: object, code: str = RUN) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def workspace(tmp_path: Path) -> RunWorkspace:
    space = RunWorkspace(tmp_path)
    space.source.mkdir()
    content = {"project": "p", "models": {"m": MODEL}}
    space.project_file.write_text(yaml.safe_dump(content), encoding="utf-8")
    space.write(Source("repo", "0" * 40, "m", "t.csv", "md5:0", "k", {"data": "md5:0"}))
    space.write(TableReport(100, (), (), ("no", "yes")))
    space.write(Evaluation(30, (Metric("log_loss", 0.3, 0.2, 0.4, "nat", False),), {}))
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,), name="features")
    outputs = {"probabilities": keras.layers.Dense(2, "softmax")(inputs)}
    model = keras.Model(inputs, outputs)
    model.save(space.model_file)
    said = {name: np.asarray(array) for name, array in model(ROWS).items()}
    Predictions(np.arange(30), ROWS, np.zeros(30, int), said).write(space.predictions_file)
    return space


def test_a_model_becomes_a_proven_bundle(workspace: RunWorkspace) -> None:
    done = step("export", "--workspace", workspace.root)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = workspace.root / "digest"
    proof = step("verify", "--workspace", workspace.root, "--result", f"bundle-digest={result}")
    assert proof.returncode == 0, proof.stderr

    bundle = read_bundle(workspace.bundle)
    told = bundle.manifest
    size, colour = told.inputs[0].features
    assert (size.name, size.unit, size.minimum, size.maximum) == ("size", "m", 0, None)
    assert (colour.type, colour.values) == ("categorical", ("red", "green"))
    assert told.outputs[0].classes == ("no", "yes")
    assert told.metrics[0].name == "log_loss"
    parts = {"data": "md5:0", "split": "validation 0.15, holdout 0.2"}
    assert (told.lineage.key, told.lineage.key_parts) == ("k", parts)
    assert told.golden.inputs["features"].shape == (5, 2)

    found = workspace.read(Verification)
    assert found.digest == bundle.digest == result.read_text()
    assert [(check.backend, check.rows) for check in found.backends] == [("cpu", 30), ("wasm", 30)]
    assert all(check.max_relative_error < 1e-5 for check in found.backends)
    assert found.runtime["tfjs"] == "4.22.0"


def test_a_full_disk_leaves_no_half_bundle(workspace: RunWorkspace) -> None:
    done = step("export", "--workspace", workspace.root, code=FULL)
    assert done.returncode == 5
    assert done.stderr.startswith("error: the bundle could not be written: ")
    assert "hint: make room on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert not workspace.bundle.exists()
    assert not list(workspace.root.glob(".bundle*"))


def test_a_step_before_that_has_not_run_is_named(workspace: RunWorkspace) -> None:
    workspace.model_file.unlink()
    done = step("export", "--workspace", workspace.root)
    assert done.returncode == 1
    assert done.stderr.startswith("error: model.keras is missing: the train step has not run")
    done = step("verify", "--workspace", workspace.root)
    assert done.returncode == 5
    assert done.stderr.startswith("error: there is no bundle: bundle.json is missing")


def test_verifying_without_node_says_what_to_set(
    workspace: RunWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = keras.models.load_model(workspace.model_file)
    export_model(model, workspace.bundle, ROWS)
    monkeypatch.setenv("MLTK_NODE", "/nowhere/node")
    done = step("verify", "--workspace", workspace.root)
    assert done.returncode == 5
    assert "error: MLTK_NODE is '/nowhere/node', which is not Node.js 20" in done.stderr
    assert "hint: unset MLTK_NODE, or set it to the path of Node.js 20 or newer" in done.stderr


@pytest.mark.parametrize("file", ["group1-shard1of1.bin", "model.json", "bundle.json"])
def test_wherever_the_room_ends_the_former_bundle_stays(
    file: str, functional: Callable[..., Any], tmp_path: Path
) -> None:
    model = functional((2,), lambda x: keras.layers.Dense(16)(x))
    home = tmp_path / "bundle"
    before = export_model(model, home, ROWS)
    room = (home / file).stat().st_size - 1
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(
            InfrastructureError, match=r"could not be written: File too large"
        ) as caught:
            export_model(model, home, ROWS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.where == str(home)
    assert bundle_digest(home) == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_invented_rows_hold_values_of_their_columns_and_no_row() -> None:
    known = np.arange(200, dtype=np.float32).reshape(20, 10)
    rows = invented_rows(known, 50, seed=1)
    assert rows.shape == (50, 10)
    np.testing.assert_array_equal(rows, invented_rows(known, 50, seed=1))
    assert all(set(rows[:, i]) <= set(known[:, i]) for i in range(10))
    assert not {tuple(row) for row in rows} & {tuple(row) for row in known}
