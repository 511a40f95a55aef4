"""Which runs are old enough to go."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mltk.cli.prune import expired
from mltk.tekton.objects import Obj, name_of

from .conftest import Shell, pipeline_run

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def _run(name: str, day: int, reason: str = "Succeeded") -> Obj:
    ended = {} if reason == "Running" else {"completionTime": f"2026-01-{day:02}T00:00:00Z"}
    made = pipeline_run(name, reason)
    made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    made["status"] = {"conditions": made["status"]["conditions"], **ended}
    return made


RUNS = [_run("c", 3), _run("a", 1), _run("running", 1, "Running"), _run("b", 2, "Failed")]


@pytest.mark.parametrize(
    ("keep", "since", "gone"),
    [
        (0, None, ["a", "b", "c"]),
        (1, None, ["a", "b"]),
        (9, None, []),
        (None, 7.5 * 86400, ["a", "b"]),
        (2, 86400.0, ["a"]),
        (0, 100 * 86400.0, []),
    ],
)
def test_the_oldest_go_and_never_one_that_runs(
    keep: int | None, since: float | None, gone: list[str]
) -> None:
    found = expired(RUNS, keep=keep, keep_since=since, now=NOW)
    assert [name_of(run) for run in found] == gone


def test_a_run_that_never_started_has_the_age_of_its_object() -> None:
    refused = _run("refused", 5, "CouldntGetPipeline")
    del refused["status"]["completionTime"]
    (found,) = expired([refused], keep=None, keep_since=86400.0, now=NOW)
    assert name_of(found) == "refused"


def test_pruning_a_store(shell: Shell) -> None:
    for run in RUNS:
        shell.keep(run)
    said = shell.mltk("delete", "pr", "--all", "--keep", "1")
    assert said.out.split() == [
        "pipelinerun.tekton.dev/a", "deleted", "pipelinerun.tekton.dev/b", "deleted",
    ]  # fmt: skip
    assert {name_of(run) for run in shell.backend.list("pr")} == {"c", "running"}
    assert shell.mltk("delete", "pr", "-l", "a=b", "--keep-since", "1s").out == ""
    assert shell.mltk("delete", "pr", "--all", "--keep-since", "1s", "--keep", "0").out
    assert {name_of(run) for run in shell.backend.list("pr")} == {"running"}


@pytest.mark.parametrize("words", [("pr", "c", "--keep", "1"), ("tasks", "--all", "--keep", "1")])
def test_keeping_is_for_many_runs(shell: Shell, words: tuple[str, ...]) -> None:
    assert "--all --keep 20" in shell.mltk("delete", *words, code=2).err
