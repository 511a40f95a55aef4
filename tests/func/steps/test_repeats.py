"""Steps are repeated when a pod is lost: whole, or cut off by kill -9 at any change they make."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mltk.records import Start, TrainingReport
from mltk.steps.workspace import RunWorkspace
from mltk.tfjs import bundle_digest

pytestmark = pytest.mark.slow

Project = Callable[..., RunWorkspace]
Run = Callable[..., subprocess.CompletedProcess[str]]
LEARNING = ("validate", "train", "evaluate", "export", "verify")

_KILL_EACH = """
import sys
from pathlib import Path
import mltk.problems.plots, mltk.problems.training, mltk.tfjs.export, mltk.steps.verify
from tests.func.steps.killing import fork, survives
undisturbed, killed = map(Path, sys.argv[1:3])
for name in sys.argv[3:]:
    step, _, stride = name.partition("/")
    assert fork([step, "--workspace", str(undisturbed)]) == 0
    kills = survives(killed, [step, "--workspace", str(killed)], None, int(stride))
    print("kills:", step, kills, flush=True)  # what waits in a buffer, each fork would say again
"""
REPOSITORY = Path(__file__).parents[3]


def _table(project: Project, name: str) -> RunWorkspace:
    rows = [[i % 7, i * i % 11, i % 7 + 2 * (i * i % 11)] for i in range(60)]
    return project(["x1", "x2", "y"], rows, name=name, problem="regression")


def test_a_task_that_is_repeated_does_not_train_again(project: Project, run_steps: Run) -> None:
    workspace = _table(project, "run")
    assert "trained before" not in run_steps(workspace, *LEARNING).stdout
    digest, report = bundle_digest(workspace.bundle), workspace.read(TrainingReport)

    again = run_steps(workspace, *LEARNING)

    assert (again.returncode, again.stderr) == (0, again.stderr)
    assert "trained before, in an attempt that went no further" in again.stdout
    assert bundle_digest(workspace.bundle) == digest
    assert workspace.read(TrainingReport) == report


def test_what_a_training_starts_from_is_taken_and_told(project: Project, run_steps: Run) -> None:
    workspace = _table(project, "run")
    first = run_steps(workspace, "validate", "train")
    assert "starts" not in first.stdout
    fresh = workspace.read(TrainingReport)
    workspace.start.mkdir()
    shutil.copyfile(workspace.model_file, workspace.start_model)
    workspace.write(Start("sha256:1", "7", {"prediction": ()}))
    said = run_steps(workspace, "train").stdout
    assert "trained before" not in said, "another start is another training"
    assert "starts from the weights of version 7" in said
    warm = workspace.read(TrainingReport)
    assert (warm.start, warm.fresh_because) == ("sha256:1", "")
    assert warm.curves["loss"][0] < fresh.curves["loss"][0]

    text = workspace.project_file.read_text()
    workspace.project_file.write_text(text.replace("hidden: [8]", "hidden: [9]").replace(
        "hidden:\n      - 8", "hidden:\n      - 9"
    ))  # fmt: skip
    said = run_steps(workspace, "train").stdout
    assert "starts fresh, not from version 7: it has other layers" in said
    report = workspace.read(TrainingReport)
    assert (report.start, report.fresh_because) == ("", "it has other layers")


def test_what_is_trained_is_taken_over_only_for_the_same(project: Project, run_steps: Run) -> None:
    workspace = _table(project, "run")
    assert run_steps(workspace, "validate", "train").returncode == 0
    text = workspace.project_file.read_text()
    workspace.project_file.write_text(text.replace("epochs: 15", "epochs: 3"))
    assert run_steps(workspace, "validate", "train").returncode == 0
    assert len(workspace.read(TrainingReport).curves["loss"]) == 3
    # A model that was cut off, or changed, is none.
    workspace.model_file.write_bytes(workspace.model_file.read_bytes()[:-100])
    assert "trained before" not in run_steps(workspace, "train", "evaluate").stdout


@pytest.mark.timeout(1200)
def test_every_learning_step_survives_a_kill_at_any_moment(project: Project) -> None:
    undisturbed, killed = _table(project, "undisturbed"), _table(project, "killed")
    # Those that write much are killed at every second file.
    steps = ("validate/1", "train/1", "evaluate/2", "export/2", "verify/1")
    done = subprocess.run(
        [sys.executable, "-c", _KILL_EACH, str(undisturbed.root), str(killed.root), *steps],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split() for line in done.stdout.splitlines() if line.startswith("kills:")]
    assert [step for _, step, count in said if int(count) >= 1] == list(LEARNING), said
    assert bundle_digest(killed.bundle) == bundle_digest(undisturbed.bundle)
