"""The steps of a search, one after another on one volume."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mltk.project.key import key, key_parts, shared_key
from mltk.project.trials import trial_name
from mltk.records import Source
from mltk.registry import Registry
from mltk.steps import step
from mltk.steps.trials import TrialRecord
from mltk.steps.tried import record
from mltk.steps.workspace import RunWorkspace

pytestmark = pytest.mark.slow

Project = Callable[..., RunWorkspace]
RATES = (0.02, 1e30, 0.0001, 0.05)
GOOD, DIVERGES, SLOW, OTHER = (trial_name({"training.learning_rate": rate}) for rate in RATES)
SEARCH = {
    "parameters": {"training.learning_rate": list(RATES)},
    "method": "grid",
    "halving": {"factor": 2, "min_epochs": 3},
}
# `spoil` gives the rows that are held out another target; @FILE is what stands in a file.
_SCRIPT = """
import csv, json, sys
from pathlib import Path
from mltk.records import Splits
from mltk.steps import step
from mltk.steps.workspace import RunWorkspace
for words in json.loads(sys.argv[1]):
    print("#", *words[:1], flush=True)
    if words[0] == "spoil":
        workspace = RunWorkspace(Path(words[2]))
        rows = list(csv.reader(workspace.data_file().open(newline="")))
        for row in workspace.read(Splits).holdout:
            rows[1 + row][-1] = "-12345"
        csv.writer(workspace.data_file().open("w", newline="")).writerows(rows)
        continue
    try:
        words = [Path(word[1:]).read_text() if word[0] == "@" else word for word in words]
        step(words, standalone_mode=False)
    except SystemExit as ended:
        print("code", ended.code, flush=True)
"""


@pytest.fixture
def workspace(project: Project) -> RunWorkspace:
    rows = [[i % 7, i * i % 11, i % 7 + 2 * (i * i % 11)] for i in range(60)]
    training = {"epochs": 12, "learning_rate": 0.01, "patience": 0}
    return project(
        ["x1", "x2", "y"],
        rows,
        problem="regression",
        network={"hidden": [8], "dropout": 0.1},
        training=training,
        search=SEARCH,
    )


def run(workspace: RunWorkspace, *steps: list[str]) -> list[str]:
    """Run steps in one process; what each said."""
    calls = [[name, "--workspace", str(workspace.root), *rest] for name, *rest in steps]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(calls)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.split("# ")[1:]


def trial(name: str, epochs: int, common: str = "k") -> list[str]:
    return ["trial", "--trial", name, "--key", common, "--epochs", str(epochs)]


def result(name: str, folder: Path) -> list[str]:
    return ["--result", f"{name}={folder / name}"]


def found(workspace: RunWorkspace, name: str) -> TrialRecord:
    return TrialRecord.read(workspace.trial(name))


def test_trials_are_halved_go_on_and_the_best_one_is_asked_for(
    workspace: RunWorkspace, tmp_path: Path
) -> None:
    common = f"@{tmp_path / 'key'}"
    said = run(
        workspace,
        ["validate"],
        ["plan", *result("key", tmp_path)],
        *(trial(name, 3, common) for name in (GOOD, DIVERGES)),
        [*trial(SLOW, 3, common), "--result", f"outcome={tmp_path / 'slow'}"],
        trial(OTHER, 3, common),
        ["choose", "--rung", "1", *result("trials", tmp_path)],
        [*trial(GOOD, 6, common), *result("outcome", tmp_path)],
        trial(OTHER, 6, common),
        trial(OTHER, 6, common),
        ["choose", "--rung", "2", *result("key", tmp_path), *result("parameters", tmp_path)],
        ["spoil"],
        trial(SLOW, 3, "other-rows"),
    )[2:]
    assert "code" not in "".join(said), said
    assert set(json.loads((tmp_path / "trials").read_text())) == {GOOD, OTHER}
    assert "epoch    4/12" in said[5] and "epoch    3/12" not in said[5], "it went on"
    assert "tried before" in said[7]
    outcome = json.loads((tmp_path / "outcome").read_text())
    assert (outcome["trial"], outcome["epochs"], outcome["stopped"]) == (GOOD, 6, False)
    diverged = found(workspace, DIVERGES)
    assert "diverged: in epoch 1" in diverged.failure and diverged.losses == ()
    slow = json.loads((tmp_path / "slow").read_text())
    spoilt = found(workspace, SLOW)
    assert "tried before" not in said[10]
    assert slow["validationLoss"] == min(spoilt.losses), "what is held out changes nothing"

    best = min((GOOD, OTHER), key=lambda name: min(found(workspace, name).losses))
    source = workspace.read(Source)
    assert source.parameters == found(workspace, best).parameters
    assert json.loads((tmp_path / "parameters").read_text()) == source.parameters
    spec = workspace.spec()
    assert spec.training.learning_rate == source.parameters["training.learning_rate"]
    assert source.key == key(key_parts("m", spec, "md5:0")) == (tmp_path / "key").read_text()


def test_a_trial_of_no_plan_is_refused(
    workspace: RunWorkspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, code, said in (
        (trial("ffff", 3), 3, "the search of this revision has no trial 'ffff'"),
        (["choose", "--rung", "1"], 1, "trial 1 left no record of what it came to"),
    ):
        with pytest.raises(SystemExit) as ended:
            step([words[0], "--workspace", str(workspace.root), *words[1:]])
        assert (ended.value.code, said in capsys.readouterr().err) == (code, True)


def test_what_mlflow_knows_is_brought_back(project: Project, workspace: RunWorkspace) -> None:
    """As on a cluster, where nothing else outlives the run."""
    model = workspace.model("m")
    common = shared_key("m", model, "md5:0", ["training.learning_rate"])
    for name, rate in ((GOOD, RATES[0]), (DIVERGES, RATES[1])):
        good = name == GOOD
        curves = {"loss": (2.0, 1.0), "validation_loss": (2.0, 1.5)} if good else {}
        failure = "" if good else "diverged"
        parameters = {"training.learning_rate": rate}
        workspace.trial(name).mkdir(parents=True)
        TrialRecord(name, common, parameters, 2, curves, False, 9, 0.5, failure).write(
            workspace.trial(name)
        )
    uri = f"sqlite:///{workspace.root.parent / 'mlflow.db'}"
    tracking = Registry(uri, "p").tracking
    parent = tracking.parent("uid-1", "search-m-abc")
    record(tracking, parent, workspace, "uid-1")

    fresh = project(["x1", "x2", "y"], [], name="fresh", problem="regression")
    told = ["--workspace", str(fresh.root), "--tracking-uri", uri, "--experiment", "p"]
    for key_, recall, names in (
        ("another", "true", []),
        (common, "false", []),
        (common, "true", [GOOD, DIVERGES]),
    ):
        step(["tried", *told, "--key", key_, "--recall", recall], standalone_mode=False)
        there = [name for name in (GOOD, DIVERGES, SLOW) if fresh.trial(name).exists()]
        assert there == names
    for name in (GOOD, DIVERGES):
        assert found(fresh, name) == found(workspace, name)
