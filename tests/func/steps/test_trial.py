"""What of a trial that comes to nothing is held against its parameters, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mltk.errors import ConfigError
from mltk.local.cache import Cache
from mltk.local.memo import Memo
from mltk.project.trials import trial_name
from mltk.records import Splits
from mltk.steps import step, trial
from mltk.steps.trials import TrialRecord
from mltk.steps.workspace import RunWorkspace

NAME = trial_name({"network.l2": 0.1})


@pytest.fixture
def workspace(project: Callable[..., RunWorkspace]) -> RunWorkspace:
    return project(
        ["x", "y"],
        [[i, 2 * i] for i in range(10)],
        problem="regression",
        search={"parameters": {"network.l2": [0.1]}, "method": "grid"},
    )


def tried(workspace: RunWorkspace) -> Result:
    words = ["trial", f"--workspace={workspace.root}", f"--trial={NAME}", "--key=k", "--epochs=1"]
    return CliRunner().invoke(step, words)


def test_a_missing_input_is_no_fault_of_the_parameters(workspace: RunWorkspace) -> None:
    done = tried(workspace)
    assert (done.exit_code, "splits.json is missing" in done.output) == (1, True)
    assert not (workspace.trial(NAME) / TrialRecord.filename).exists()


def test_what_no_model_can_be_of_ends_that_trial_alone(
    workspace: RunWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> dict[str, Any]:
        raise ConfigError("the layer cannot be exported")

    monkeypatch.setattr(trial, "_train", refuse)
    workspace.write(Splits((0, 1), (2,), (3,)))
    done = tried(workspace)
    assert done.exit_code == 0, done.output
    assert TrialRecord.read(workspace.trial(NAME)).failure == "the layer cannot be exported"


def test_one_that_was_tried_before_is_written_for_the_cache(
    workspace: RunWorkspace, tmp_path: Path
) -> None:
    folder = workspace.trial(NAME)
    folder.mkdir(parents=True)
    known = TrialRecord(NAME, "k", {"network.l2": 0.1}, 1, {"validation_loss": (0.5,)}, False)
    known.write(folder)
    memo = Memo(Cache(tmp_path / "cache"), "key", {"run": folder})
    memo.begin()
    assert "tried before" in tried(workspace).output
    memo.save({"metadata": {"name": "trial"}}, (), ())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert Memo(memo.cache, "key", {"run": elsewhere}).restore(tmp_path / "draft") is not None
    assert TrialRecord.read(elsewhere) == known
