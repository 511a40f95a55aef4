"""Runs whose training is over: real bundles with weights chosen by hand, Node.js and MLflow."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from mltk.records import (
    BackendCheck,
    Evaluation,
    Metric,
    Source,
    Splits,
    TrainingReport,
    Verification,
)
from mltk.registry import Registry
from mltk.steps import step
from mltk.steps.predictions import Predictions
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import bundle_digest

_EXPORT = """
import sys
import keras
import numpy as np
from mltk.tfjs import BundleDescription, Feature, export_model
from mltk.tfjs.manifest import Lineage
PARTS = {
    "older": {"seed": "0"}, "seed-0": {"seed": "0", "split": "validation 0.15, holdout 0.2"},
    "seed-1": {"seed": "1", "split": "validation 0.15, holdout 0.2"},
    "shares": {"seed": "0", "split": "validation 0.15, holdout 0.3"},
}
rows = np.random.default_rng(0).uniform(-1, 1, (8, 2)).astype("float32")
for name, (a, b, columns) in {
    "exact": (3.0, -2.0, "ab"), "near": (2.7, -2.0, "ab"), "far": (2.0, -1.0, "ab"),
    "swapped": (3.0, -2.0, "ba"), "like": (3.001, -2.0, "ab"),
    "older": (2.7, -2.0, "ab"), "seed-0": (2.7, -2.0, "ab"),
    "seed-1": (3.0, -2.0, "ab"), "shares": (3.0, -2.0, "ab"),
}.items():
    inputs = keras.Input((2,), name="features")
    dense = keras.layers.Dense(1, name="prediction")
    model = keras.Model(inputs, {"prediction": dense(inputs)})
    dense.set_weights([np.array([[a], [b]]), np.array([1.0])])
    told = BundleDescription(
        name="plane", problem="regression", features={"features": tuple(map(Feature, columns))},
        lineage=Lineage(name, PARTS.get(name, {})),
    )
    export_model(model, f"{sys.argv[1]}/{name}", rows, description=told)
"""


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of bundles for y = 3a - 2b + 1: exact, near, far, and swapped (other features).

    older, seed-0, seed-1 and shares tell by what their rows were split, as a training does.
    """
    folder = tmp_path_factory.mktemp("bundles")
    subprocess.run([sys.executable, "-c", _EXPORT, str(folder)], check=True, capture_output=True)
    return folder


@dataclass
class Run:
    """The workspace of one run, and the real steps in it."""

    workspace: RunWorkspace
    registry: Registry
    uid: str
    results: dict[str, str] = field(default_factory=dict)

    def step(self, name: str, *args: str, wants: tuple[str, ...] = (), code: int = 0) -> Result:
        """Call `mltk step NAME` as its Task does; keeps the results that it wrote."""
        folder = self.workspace.root.with_name(self.workspace.root.name + "-results")
        folder.mkdir(exist_ok=True)
        asked = [f"--result={want}={folder / want}" for want in wants]
        done = CliRunner().invoke(step, [name, f"--workspace={self.workspace.root}", *args, *asked])
        assert done.exit_code == code, done.output
        self.results |= {w: (folder / w).read_text() for w in wants if (folder / w).exists()}
        return done

    @property
    def _tracking(self) -> tuple[str, ...]:
        connection = self.registry.connection
        return (f"--tracking-uri={connection.uri}", f"--experiment={connection.experiment}")

    @property
    def _identity(self) -> tuple[str, ...]:
        return (f"--run-name=run-{self.uid}", f"--run-uid={self.uid}")

    def gate(self, code: int = 0) -> Result:
        wants = ("verdict", "promote", "reason", "comparison")
        return self.step("gate", *self._tracking, wants=wants, code=code)

    def register(self, code: int = 0) -> Result:
        wants = ("model-version", "alias", "bundle-digest")
        return self.step("register", *self._tracking, *self._identity, wants=wants, code=code)

    def report(self, *args: str, code: int = 0, **tasks: str) -> Result:
        statuses = [f"--task={name.replace('_', '-')}={status}" for name, status in tasks.items()]
        wants = ("model", "verdict", "model-version", "alias", "bundle-digest", "metrics")
        wants += ("data-version", "tracking-run")
        every = (*self._tracking, *self._identity, *args, *statuses)
        return self.step("report", *every, wants=wants, code=code)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """One MLflow on SQLite for the tests of a module; each uses a model of its own."""
    return Registry(f"sqlite:///{tmp_path_factory.mktemp('project')}/.mltk/mlflow.db", "plane")


@pytest.fixture
def new_run(tmp_path: Path, bundles: Path, registry: Registry) -> Callable[..., Run]:
    """Give a maker of runs, as train-model leaves them: a bundle, its records, its hold-out."""

    def make(
        model: str,
        bundle: str,
        rmse: float = 0.1,
        gate: Mapping[str, Any] | None = None,
        rows: int = 40,
        checks: Mapping[str, Any] | None = None,
        shift: float = 0.0,
    ) -> Run:
        number = len(list(tmp_path.glob("run-?")))
        workspace = RunWorkspace(tmp_path / f"run-{number}")
        workspace.source.mkdir(parents=True)
        shutil.copytree(bundles / bundle, workspace.bundle)
        _write_project(workspace, model, gate or {}, checks or {})
        _write_table(workspace, shift)
        _write_records(workspace, model, rmse, rows)
        return Run(workspace, registry, f"{model}-{number}")

    return make


def _write_table(workspace: RunWorkspace, shift: float) -> None:
    """200 rows, of which column a may lie elsewhere than in other runs."""
    a, b, noise = np.random.default_rng([7, int(10 * shift)]).uniform(-1, 1, (3, 200))
    rows = np.column_stack([a + shift, b, 3 * (a + shift) - 2 * b + 1 + 0.1 * noise])
    file = workspace.source / "t.csv"
    np.savetxt(file, rows, "%.6f", ",", header="a,b,y", comments="")
    order = tuple(range(200))
    workspace.write(Splits(order[:120], order[120:160], order[160:]))


def _write_project(
    workspace: RunWorkspace, model: str, gate: Mapping[str, Any], checks: Mapping[str, Any]
) -> None:
    spec = {
        "problem": "regression",
        "data": {"path": "t.csv"},
        "target": {"name": "y", "unit": "m"},
        "features": [{"name": "a"}, {"name": "b"}],
        "gate": dict(gate),
        "checks": dict(checks),
    }
    text = yaml.safe_dump({"project": "plane", "models": {model: spec}})
    workspace.project_file.write_text(text, encoding="utf-8")


def _write_records(workspace: RunWorkspace, model: str, rmse: float, rows: int) -> None:
    draw = np.random.default_rng(1)
    features = draw.uniform(-1, 1, (rows, 2)).astype(np.float32)
    target = 3 * features[:, 0] - 2 * features[:, 1] + 1 + draw.normal(0, 0.1, rows)
    said = {"prediction": target[:, None].astype(np.float32)}
    Predictions(np.arange(rows), features, target, said).write(workspace.predictions_file)
    backends = tuple(BackendCheck(name, rows, 1e-7, 3e-7) for name in ("cpu", "wasm"))
    digest = bundle_digest(workspace.bundle)
    workspace.plots.mkdir()
    (workspace.plots / "loss.png").write_bytes(b"png")
    for record in (
        Source(
            "https://token@host/r.git",
            "f" * 40,
            model,
            "t.csv",
            "md5:" + "a" * 32,
            "k",
            {"seed": "0"},
        ),
        TrainingReport({"loss": (3.0, 2.0)}, 2, 3, 0.1),
        Evaluation(
            rows,
            (Metric("rmse", rmse, rmse - 0.05, rmse + 0.05, "m", False),),
            {"trivial": {"rmse": 2.0}, "linear": {"rmse": 0.1}},
        ),
        Verification(digest, {"node": "v20"}, backends),
    ):
        workspace.write(record)
