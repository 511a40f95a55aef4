"""Runs on a real MLflow with SQLite, written twice as a retried step would."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mltk.registry import Facts, Registry


def test_a_retried_step_leaves_one_record(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "loss.png").write_bytes(b"png")
    tracking, ids = registry.tracking, set()
    for _ in range(2):
        parent = tracking.parent("uid-7", "wine-abc12")
        nested = tracking.nested(parent, "uid-7", "train-model")
        tracking.log(
            nested,
            Facts(
                params={"seed": "7"},
                metrics={"rmse": 0.5, "undefined": math.nan},
                curves={"epoch/loss": (3.0, 2.0, 1.0)},
                tags={"mltk.model": "wine"},
            ),
        )
        tracking.log_data(parent, "data/wine.csv", "md5:" + "a" * 32, {"path": "data/wine.csv"})
        tracking.log_files(parent, tmp_path, "plots")
        tracking.log_text(parent, "# wine", "report.md")
        tracking.finish(nested, "Succeeded")
        tracking.finish(parent, "Failed")
        ids.add((parent, nested))

    ((parent, nested),) = ids
    client = registry.connection.client
    whole, part = client.get_run(parent), client.get_run(nested)
    assert (whole.info.run_name, whole.info.status) == ("wine-abc12", "FAILED")
    assert (part.info.run_name, part.info.status) == ("train-model", "FINISHED")
    assert part.data.tags["mlflow.parentRunId"] == parent
    assert part.data.params == {"seed": "7"}
    assert part.data.metrics == {"rmse": 0.5, "epoch/loss": 1.0}
    history = client.get_metric_history(nested, "epoch/loss")
    assert [(point.step, point.value) for point in history] == [(1, 3.0), (2, 2.0), (3, 1.0)]
    (data,) = whole.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("data/wine.csv", "md5:" + "a" * 32)
    assert {file.path for file in client.list_artifacts(parent)} == {"plots", "report.md"}


def test_the_experiment_of_mlflow_itself_lies_beside_the_database(registry: Registry) -> None:
    folder = registry.connection.database.parent
    default = registry.connection.client.get_experiment("0")
    assert default.artifact_location == str(folder / "mlartifacts" / "0")


def test_settings_outlive_a_change_of_the_environment(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is forked to run a step takes on another environment after the import."""
    _ = registry.connection.client
    monkeypatch.delenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    _ = Registry(registry.connection.uri, "shop").connection.client
    from mlflow import environment_variables as settings

    assert settings.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.get() is False
    assert settings.MLFLOW_HTTP_REQUEST_TIMEOUT.get() == 7


def test_runs_of_two_pipelines_stay_apart(registry: Registry) -> None:
    tracking = registry.tracking
    first, second = tracking.parent("uid-a", "same"), tracking.parent("uid-b", "same")
    assert first != second
    assert tracking.nested(first, "uid-a", "gate") != tracking.nested(second, "uid-b", "gate")
