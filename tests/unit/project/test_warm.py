"""The run of a model that starts from the champion: one Task more, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

from mltk.project.compile import PIPELINE, manifests, run_manifest
from mltk.project.key import key, key_of, key_parts
from mltk.project.reproduction import reproduction_manifest
from mltk.project.request import RunRequest
from mltk.project.warm import starting_manifest
from mltk.tekton.admission import admit

from .test_reproduction import ORIGIN, PROJECT


def _delivery() -> dict[str, Any]:
    wine = PROJECT.models["wine"]
    parts = key_parts("wine", wine, "md5:1")
    request = RunRequest(
        "shop", "wine", "/there", "f" * 40, "md5:1", parts, key(parts), "p" * 64, "",
        wine.resources,
    )  # fmt: skip
    return run_manifest(PROJECT, request, tracking_uri="http://m", namespace="n")


def _order(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["name"] for task in tasks]


def test_it_is_a_delivery_that_reads_the_registry_before_it_trains() -> None:
    delivery = _delivery()
    pipeline = next(each for each in manifests() if each["metadata"]["name"] == PIPELINE)
    run = starting_manifest(delivery, pipeline)
    assert all("has no effect here" in warning for warning in admit(run))
    assert run["metadata"] == delivery["metadata"], "it is found by the same labels"
    spec = run["spec"]["pipelineSpec"]
    names = _order(spec["tasks"])
    assert names[:3] == ["fetch-data", "recall-champion", "train-model"]
    assert [name for name in names if name != "recall-champion"] == _order(
        pipeline["spec"]["tasks"]
    )
    train = spec["tasks"][2]
    assert train["runAfter"] == ["recall-champion"]
    assert {"name": "key", "value": "$(tasks.recall-champion.results.key)"} in train["params"]
    shipped = {each["metadata"]["name"] for each in manifests() if each["kind"] == "Task"}
    assert {task["taskRef"]["name"] for task in spec["tasks"]} <= shipped
    specs = {each["pipelineTaskName"] for each in run["spec"]["taskRunSpecs"]}
    assert specs == {*names, "report"}


def test_a_model_that_started_from_another_is_made_again_from_that_one() -> None:
    warm = dataclasses.replace(ORIGIN, key_parts={"start": "sha256:9"})
    run, fresh = (
        reproduction_manifest(
            PROJECT, origin, repo_url="/r", tracking_uri="http://m", namespace="n", strict=False
        )
        for origin in (warm, ORIGIN)
    )
    tasks = run["spec"]["pipelineSpec"]["tasks"]
    assert _order(tasks) == [
        "recall-model", "fetch-data", "recall-champion", "train-model", "compare-models",
    ]  # fmt: skip
    assert {"name": "start", "value": "sha256:9"} in tasks[2]["params"]
    assert "recall-champion" not in _order(fresh["spec"]["pipelineSpec"]["tasks"])
    accounts = {e["pipelineTaskName"]: e["serviceAccountName"] for e in run["spec"]["taskRunSpecs"]}
    assert accounts["recall-champion"] == "mltk-gate-model"


def test_what_a_training_starts_from_is_part_of_the_key() -> None:
    parts = key_parts("wine", PROJECT.models["wine"], "md5:1")
    keys = [key_of(parts.as_dict() | {"start": start}) for start in ("sha256:1", "sha256:2")]
    assert len({key(parts), *keys}) == 3
