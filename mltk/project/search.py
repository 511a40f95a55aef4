"""The run that searches: that of a delivery, with trials between the data and the training.

Each rung is a task that fans out over its trials, a Tekton matrix, and one that chooses which of
them go on. What comes after the last one is the delivery as it is, of the model that was chosen.
It has no label of a delivery: it would be taken for one of the model as mltk.yaml has it.
"""

from __future__ import annotations

import copy
import functools
import importlib.resources
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from mltk.project.compile import name_prefix
from mltk.project.insertion import LEARNS, READS, before_training
from mltk.project.trials import Rung, SearchPlan

LABEL = "mltk.dev/searches"
"""On the run: the model whose parameters it searches."""

PLAN, TRIED, TRIALS, CHOOSE, CHOSEN = (
    "plan-search", "recall-trials", "trials-{}", "choose-{}", "choose-trial",
)  # fmt: skip
# How long it takes depends on the rungs, and on how many trials find room at a time; each task has
# a limit of its own.
_TIMEOUTS = {"pipeline": "0s", "finally": "30m0s"}


def search_manifest(
    delivery: Mapping[str, Any], pipeline: Mapping[str, Any], plan: SearchPlan, *, recall: bool
) -> dict[str, Any]:
    """The PipelineRun that searches, from that which delivers the model and its Pipeline.

    With `recall` it takes over what trials came to that MLflow knows.
    """
    spec = dict(delivery["spec"])
    del spec["pipelineRef"]
    spec.pop("status", None)  # it waits in no queue
    spec |= {
        "pipelineSpec": pipeline_spec(pipeline["spec"], plan),
        "params": [
            *spec["params"],
            {"name": "recall", "value": str(recall).lower()},
            {"name": "trials", "value": [trial.name for trial in plan.trials]},
        ],
        "timeouts": _TIMEOUTS,
        "taskRunSpecs": list(_task_run_specs(spec["taskRunSpecs"], plan)),
    }
    return {**delivery, "metadata": _metadata(delivery["metadata"]), "spec": spec}


def _metadata(delivery: Mapping[str, Any]) -> dict[str, Any]:
    model = delivery["labels"]["mltk.dev/model"]
    metadata: dict[str, Any] = {
        "generateName": f"search-{name_prefix(model)}",
        "labels": {"app.kubernetes.io/part-of": "mltk", LABEL: model},
    }
    if "namespace" in delivery:
        metadata["namespace"] = delivery["namespace"]
    return metadata


def pipeline_spec(delivery: Mapping[str, Any], plan: SearchPlan) -> dict[str, Any]:
    """The pipeline of a search, from that of a delivery."""
    more = [
        {
            "name": "recall",
            "default": "true",
            "description": "false makes trials anew that MLflow knows.",
        },
        {
            "name": "trials",
            "type": "array",
            "description": "Names of the trials, which follow from mltk.yaml.",
        },
    ]
    results = [
        _result("trial", "Name of the trial that was chosen."),
        _result("parameters", "Its parameters, as JSON."),
    ]
    return {
        **delivery,
        "displayName": "Search",
        "description": "Train a model with many parameters, and deliver the one of the best.",
        "params": [*delivery["params"], *more],
        "tasks": before_training(delivery["tasks"], _searching(plan), CHOSEN),
        "results": [*delivery["results"], *results],
    }


def _result(name: str, description: str) -> dict[str, str]:
    value = f"$(tasks.{CHOSEN}.results.{name})"
    return {"name": name, "description": description, "value": value}


def _searching(plan: SearchPlan) -> Iterator[dict[str, Any]]:
    parts = copy.deepcopy(_parts())
    yield parts["plan"]
    yield parts["tried"]
    taken = "$(params.trials[*])"
    for number, rung in enumerate(plan.rungs, start=1):
        yield _trials(parts["trial"], number, rung, taken)
        yield _choice(parts["choose"], number, last=number == len(plan.rungs))
        taken = f"$(tasks.{CHOOSE.format(number)}.results.trials[*])"


def _trials(part: Mapping[str, Any], number: int, rung: Rung, taken: str) -> dict[str, Any]:
    before = TRIED if number == 1 else CHOOSE.format(number - 1)
    return {
        "name": TRIALS.format(number),
        **part,
        "runAfter": [before],
        "matrix": {"params": [{"name": "trial", "value": taken}]},
        "params": [*part["params"], {"name": "epochs", "value": str(rung.epochs)}],
    }


def _choice(part: Mapping[str, Any], number: int, *, last: bool) -> dict[str, Any]:
    told = ("key", "trial", "parameters") if last else ("trials",)
    (step,) = part["taskSpec"]["steps"]
    args = [*step["args"], *(f"--result={name}=$(results.{name}.path)" for name in told)]
    results = [{"name": name, "type": "array" if name == "trials" else "string"} for name in told]
    return {
        "name": CHOSEN if last else CHOOSE.format(number),
        "displayName": "Choose",
        **part,
        "runAfter": [TRIALS.format(number)],
        "params": [*part["params"], {"name": "rung", "value": str(number)}],
        "taskSpec": {**part["taskSpec"], "results": results, "steps": [{**step, "args": args}]},
    }


def _task_run_specs(deliveries: list[dict[str, Any]], plan: SearchPlan) -> Iterator[dict[str, Any]]:
    """Those of a delivery, and for each trial what a training asks for."""
    yield from deliveries
    train = next(each for each in deliveries if each["pipelineTaskName"] == "train-model")
    steps = [each for each in train.get("stepSpecs", ()) if each["name"] == "train"]
    yield {"pipelineTaskName": PLAN, "serviceAccountName": LEARNS}
    yield {"pipelineTaskName": TRIED, "serviceAccountName": READS}
    for number in range(1, len(plan.rungs) + 1):
        last = number == len(plan.rungs)
        trial = {**train, "pipelineTaskName": TRIALS.format(number)}
        yield trial | ({"stepSpecs": steps} if steps else {})
        yield {
            "pipelineTaskName": CHOSEN if last else CHOOSE.format(number),
            "serviceAccountName": LEARNS,
        }


@functools.cache
def _parts() -> dict[str, Any]:
    text = importlib.resources.files("mltk.project").joinpath("search.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found
