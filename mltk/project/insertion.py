"""Tasks that some runs have and a delivery has not: where they stand, and as whom they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LEARNS, READS = "mltk-train-model", "mltk-gate-model"
"""ServiceAccounts of Tasks with the same rights: no credential, and reading the registry."""

_TRAINING = "train-model"


def before_training(
    tasks: Iterable[Mapping[str, Any]], more: Iterable[Mapping[str, Any]], last: str
) -> list[dict[str, Any]]:
    """The tasks of a pipeline with `more` before the training.

    It runs after the one called `last`, whose result `key` is its key.
    """
    found: list[dict[str, Any]] = []
    for task in tasks:
        if task["name"] == _TRAINING:
            found += map(dict, more)
            task = _after(task, last)
        found.append(dict(task))
    return found


def _after(training: Mapping[str, Any], last: str) -> dict[str, Any]:
    key = {"name": "key", "value": f"$(tasks.{last}.results.key)"}
    others = [each for each in training["params"] if each["name"] != "key"]
    return {**training, "runAfter": [last], "params": [key, *others]}
