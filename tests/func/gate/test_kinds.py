"""Models without a target before the gate: other noise, slices, several inputs, and timing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mltk.errors import ConfigError
from mltk.problems import load_problem
from mltk.project.spec import Model
from mltk.records import BackendCheck, Evaluation, Verdict, Verification
from mltk.steps.predictions import Predictions
from mltk.tfjs import bundle_digest, predict_bundle, read_bundle
from mltk.tfjs.javascript import Timed, execute

from .conftest import Run

_EXPORT = """
import sys
import keras
import numpy as np
from mltk.tfjs import BundleDescription, Feature, export_model
FEATURES = {"features": tuple(map(Feature, "ab"))}
draw = np.random.default_rng(0)
dense = keras.layers.Dense

def export(name, problem, model, rows, features):
    told = BundleDescription(name=name, problem=problem, features=features)
    export_model(model, f"{sys.argv[1]}/{name}", rows, description=told)

for name, width, mean in (("draws-3", 3, 4.0), ("draws-5", 5, 0.0)):
    noise = keras.Input((width,), name="noise")
    layer = dense(2, name="sample")
    model = keras.Model(noise, {"sample": layer(noise)})
    layer.set_weights([np.eye(width, 2), np.full(2, mean)])
    rows = {"noise": draw.normal(size=(8, width)).astype("float32")}
    export(name, "generative", model, rows, {})

for name, sharp in (("dense", -0.5), ("denser", -0.4)):
    rows = keras.Input((2,), name="features")
    squares = keras.layers.Multiply()([rows, rows])
    layer = dense(1, name="log_density")
    model = keras.Model(rows, {"log_density": layer(squares)})
    layer.set_weights([np.full((2, 1), sharp), np.array([np.log(-sharp / np.pi)])])
    export(name, "density", model, draw.normal(size=(8, 2)).astype("float32"), FEATURES)

rows, codes = keras.Input((2,), name="features"), keras.Input((1,), name="codes")
encoder, decoder = dense(1), dense(2)
code = encoder(rows)
outputs = {"code": code, "reconstruction": decoder(code), "decoded": decoder(codes)}
outputs = {name: keras.layers.Identity(name=name)(each) for name, each in outputs.items()}
golden = {"features": draw.normal(size=(8, 2)), "codes": draw.normal(size=(8, 1))}
golden = {name: each.astype("float32") for name, each in golden.items()}
export("reduced", "reduction", keras.Model([rows, codes], outputs), golden, FEATURES)
"""

NewRun = Callable[..., Run]


@pytest.fixture(scope="module")
def rows_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles of the kinds that learn rows, for two standard normal columns a and b."""
    folder = tmp_path_factory.mktemp("rows-alone")
    subprocess.run([sys.executable, "-c", _EXPORT, str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def learnt(new_run: NewRun, rows_alone: Path) -> NewRun:
    """Give a maker of runs of such a bundle, judged on the rows that all of them share."""

    def make(model: str, name: str, count: int = 120, **gate: Any) -> Run:
        run = new_run(model, "near")
        workspace, bundle = run.workspace, rows_alone / name
        shutil.rmtree(workspace.bundle)
        shutil.copytree(bundle, workspace.bundle)
        manifest = read_bundle(bundle).manifest
        problem = load_problem(manifest.problem)
        spec = {
            "problem": manifest.problem,
            "data": {"path": "t.csv"},
            "features": [{"name": "a"}, {"name": "b"}],
            "settings": {"width": 1} if manifest.problem == "reduction" else {},
            "gate": {"baseline": "none", **gate},
        }
        project = {"project": "plane", "models": {model: spec}}
        learnt = Model.model_validate({**spec, "gate": {}})  # a wrong one is for the step to find
        workspace.project_file.write_text(yaml.safe_dump(project), encoding="utf-8")
        rows = np.random.default_rng(2).normal(size=(count, 2)).astype(np.float32)
        widths = {port.name: port.shape[-1] or 1 for port in manifest.inputs}
        asked = problem.inputs(widths, rows)
        said = predict_bundle(bundle, asked)
        found = Predictions(np.arange(count), rows, rows, said, asked)
        found.write(workspace.predictions_file)
        workspace.write(Evaluation(count, problem.metrics(learnt, rows, said), {}))
        checks = tuple(BackendCheck(each, count, 1e-7, 3e-7) for each in ("cpu", "wasm"))
        workspace.write(Verification(bundle_digest(bundle), {"node": "v20"}, checks))
        return run

    return make


def _judged(run: Run) -> Verdict:
    run.gate()
    return run.workspace.read(Verdict)


def _crown(run: Run) -> None:
    run.gate()
    run.register()


def test_a_champion_is_asked_with_as_much_noise_as_it_takes(learnt: NewRun) -> None:
    _crown(learnt("drawing", "draws-3"))
    verdict = _judged(learnt("drawing", "draws-5"))
    (trial,) = verdict.trials
    assert (trial.metric, trial.rows, trial.test, verdict.tries) == ("mmd2", 120, "t", 1)
    assert verdict.promote, verdict.promote_reason
    assert trial.challenger is not None and trial.champion is not None
    assert trial.challenger < 0.05 < 0.5 < trial.champion


def test_densities_are_judged_row_by_row_and_on_slices(learnt: NewRun) -> None:
    _crown(learnt("dense", "denser", 400))
    bound = {"log_likelihood": {"min": -5, "confidence": 0.9}}
    halves = {"by": "a", "at": [0.0], "metrics": bound, "block_when_worse": True}
    verdict = _judged(learnt("dense", "dense", 400, slices=[halves], metrics=bound))
    named = [check.name for check in verdict.checks]
    assert "slice.a below 0.log_likelihood.min" in named
    assert [trial.name for trial in verdict.trials] == ["", "a below 0", "a from 0"]
    assert verdict.trials[0].metric == "log_likelihood"
    assert verdict.trials[0].improvement == pytest.approx(0.023, abs=0.03)
    assert sum(trial.rows for trial in verdict.trials[1:]) == 400


def test_a_slice_of_a_target_that_is_not_there_is_a_mistake(learnt: NewRun) -> None:
    of_target = {"by": "y", "at": [0.0], "block_when_worse": True}
    run = learnt("mistaken", "dense", slices=[of_target])
    assert "no column 'y'" in run.gate(code=3).output


def test_a_metric_of_neighbours_may_decide_and_is_not_drawn_anew(learnt: NewRun) -> None:
    policy = {"metric": "told_apart"}
    _crown(learnt("apart", "draws-3"))
    (trial,) = _judged(learnt("apart", "draws-5", champion=policy)).trials
    assert trial.metric == "told_apart" and trial.passed
    wrong = learnt("apart", "draws-5", champion=policy | {"test": "bootstrap"})
    assert "told_apart is of the neighbours of rows" in wrong.gate(code=3).output


def test_all_inputs_are_given_to_a_model_that_is_timed(learnt: NewRun) -> None:
    run = learnt("both", "reduced", max_latency_ms=60000.0)
    (check,) = [each for each in _judged(run).checks if each.name == "latency.wasm"]
    assert check.passed and check.rows == 300


def test_a_page_is_not_timed(rows_alone: Path) -> None:
    bundle = read_bundle(rows_alone / "dense")
    rows = {"features": np.zeros((3, 2), np.float32)}
    with pytest.raises(ConfigError, match=r"timed in Node\.js alone, not on webgl"):
        execute(bundle, ["cpu", "webgl"], rows, timed=Timed(3, 1))
    (answer,) = execute(bundle, ["cpu"], rows, timed=Timed(3, 1)).answers
    assert len(answer.timings) == 3
