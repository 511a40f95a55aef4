"""A kind of problem of a user's package, found by entry point: the example of the docs, run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mltk.records import Evaluation, Verification
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import read_bundle

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]
PAGE = Path(__file__).parents[3] / "docs" / "problem-kinds.md"

pytestmark = pytest.mark.slow


@pytest.fixture
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The package of the docs as pip would leave it, on the path of the steps; its source."""
    code, setup = re.findall(r"```(?:python|ini)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    site = tmp_path / "site-packages"
    about = site / "counts_kind-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "counts_kind.py").write_text(code)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counts-kind\nVersion: 1.0\n")
    points = setup.partition("\n")[2].replace("mltk.problems =", "[mltk.problems]")
    (about / "entry_points.txt").write_text(re.sub(r"(?m)^ +", "", points))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")
    return code


def _repairs(count: int = 300) -> list[list[float]]:
    draw = np.random.default_rng(5)
    load, age = draw.uniform(0, 1, count), draw.uniform(0, 10, count)
    seen = draw.poisson(np.exp(2 * load + 0.1 * age - 1))
    return np.column_stack([load, age, seen]).round(4).tolist()


def test_the_example_of_the_docs_learns_exports_and_is_proven(
    counts: str, project: Project, run_steps: Run
) -> None:
    assert len(counts.splitlines()) < 60
    workspace = project(
        ["load", "age", "repairs"],
        _repairs(),
        problem="counts",
        target={"name": "repairs", "unit": "1/month"},
        training={"epochs": 60, "learning_rate": 0.02},
    )
    done = run_steps(workspace, "validate", "train", "evaluate", "export", "verify")
    assert done.returncode == 0, done.stderr
    evaluation = workspace.read(Evaluation)
    assert evaluation.primary.name == "deviance"
    assert evaluation.primary.value < 0.8 * evaluation.baselines["trivial"]["deviance"]
    (output,) = read_bundle(workspace.bundle).manifest.outputs
    assert (output.name, output.meaning, output.unit) == ("rate", "expected repairs", "1/month")
    assert {check.backend for check in workspace.read(Verification).backends} == {"cpu", "wasm"}


def test_it_counts_in_the_key_by_its_version(counts: str) -> None:
    from mltk.problems import load_problem
    from mltk.project.key import _plugins

    assert _plugins()["counts=counts_kind:Counts"] == "1.0"
    assert load_problem("counts").name == "counts"


def test_its_gate_asks_for_what_mltk_yaml_does_not(counts: str) -> None:
    from mltk.problems import load_problem
    from mltk.project.gating import Gate

    kind = load_problem("counts")
    assert kind.asked(Gate()).parity == 1e-3
    assert kind.asked(Gate(parity=1e-5)).parity == 1e-5
