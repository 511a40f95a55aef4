"""TaskRuns that are restored instead of run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mltk.local.annotations import CACHED_FROM
from mltk.tekton.objects import Obj, annotations_of, is_success, results

from .conftest import Local, pipeline_run, task

CACHED = {"metadata": {"annotations": {"mltk.dev/cache": "true"}}}
BY_PARAMS = {"annotations": {"mltk.dev/cache": "params"}}


@pytest.fixture
def count(tmp_path: Path) -> Path:
    """A file to which every real execution adds a line."""
    return tmp_path / "count"


def delivery(name: str, count: Path, *, data: str = "1", **train: Any) -> Obj:
    """fetch (never cached) writes a file; train (cached) reads it and writes another."""
    use = {"workspaces": [{"name": "w", "workspace": "v"}], "spec_workspaces": [{"name": "w"}]}
    script = (
        f"echo ran >> {count}; cd $(workspaces.w.path); rm -f gone; mkdir -p out/empty;"
        " tr 1 2 < data > out/model; chmod 600 out/model; ln -s model out/link;"
        " printf %s done > $(results.r.path)"
    )
    fetch = f"cd $(workspaces.w.path); echo {data} > data; echo x > gone"
    return pipeline_run(
        name,
        task("fetch", fetch, results=["v"], **use),
        task("train", f"{script}; printf %s {data} >/dev/null", results=["r"],
             runAfter=["fetch"], **use, **{**train, "spec_metadata": CACHED["metadata"]}),
        pipeline_workspaces=[{"name": "v"}],
        workspaces=[{"name": "v", "volumeClaimTemplate": {
            "spec": {"accessModes": ["ReadWriteOnce"],
                     "resources": {"requests": {"storage": "1Gi"}}}}}],
    )  # fmt: skip


def folder(local: Local, run: Obj) -> Path:
    (claim,) = (
        c["metadata"]["name"]
        for c in local.backend.list("pvc")
        if c["metadata"]["ownerReferences"][0]["uid"] == run["metadata"]["uid"]
    )
    return local.root / "volumes" / "default" / claim


def origin(local: Local, run: str, task: str = "train") -> str | None:
    return annotations_of(local.task_run(f"{run}-{task}")).get(CACHED_FROM)


def test_restored_task_leaves_what_the_real_one_left(local: Local, count: Path) -> None:
    first = local.run(delivery("one", count))
    second = local.run(delivery("two", count))
    assert is_success(first) and is_success(second)
    assert count.read_text() == "ran\n"
    assert (origin(local, "one"), origin(local, "two")) == (None, "one-train")
    assert results(local.task_run("two-train")) == {"r": "done"}
    there, here = folder(local, first), folder(local, second)
    assert (here / "out" / "model").read_bytes() == (there / "out" / "model").read_bytes()
    assert (here / "out" / "model").stat().st_mode & 0o777 == 0o600
    assert (here / "out" / "link").readlink() == Path("model")
    assert (here / "out" / "empty").is_dir()
    assert not (here / "gone").exists()
    steps = [local.task_run(f"{name}-train")["status"]["steps"][0] for name in ("one", "two")]
    assert steps[0]["terminated"]["exitCode"] == steps[1]["terminated"]["exitCode"] == 0


def test_logs_of_a_restored_task_are_those_of_the_one_that_ran(
    local: Local, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        local.run(pipeline_run(name, task("t", "echo hello", spec_metadata=CACHED["metadata"])))
    assert list(local.backend.logs("two-t")) == ["hello"]


def test_what_goes_into_a_task_decides(local: Local, count: Path) -> None:
    local.run(delivery("one", count))
    local.run(delivery("other-data-before-it", count, data="11"))
    local.run(delivery("other-environment", count), environment="python 4")
    local.run(delivery("cache-off", count), cache=False)
    assert count.read_text() == "ran\n" * 4
    local.run(delivery("same-environment", count), environment="python 4")
    assert count.read_text() == "ran\n" * 4


def by_params(
    name: str,
    count: Path,
    *,
    revision: str,
    key: str = "k",
    before: str = "true",
    after: str = "true",
) -> Obj:
    """fetch writes two files; train's params name all of them that it takes; judge comes last."""
    use = {"workspaces": [{"name": "w", "workspace": "v"}], "spec_workspaces": [{"name": "w"}]}
    fetch = (
        f"cd $(workspaces.w.path); {before}; echo {revision} > revision; ln -s {revision} link;"
        f" printf %s {key} > $(results.key.path)"
    )
    train = (
        f"echo train >> {count}; cd $(workspaces.w.path);"
        " mkdir -p out; echo $(params.key) > out/model"
    )
    judge = f"echo judge >> {count}; cat $(workspaces.w.path)/revision"
    return pipeline_run(
        name,
        task("fetch", fetch, results=["key"], **use),
        task("train", train, spec_metadata=BY_PARAMS, spec_params=[{"name": "key"}],
             params=[{"name": "key", "value": "$(tasks.fetch.results.key)"}], **use),
        task("judge", judge, runAfter=["train"],
             spec_metadata={"annotations": {"mltk.dev/cache": after}}, **use),
        pipeline_workspaces=[{"name": "v"}],
        workspaces=[{"name": "v", "volumeClaimTemplate": {
            "spec": {"accessModes": ["ReadWriteOnce"],
                     "resources": {"requests": {"storage": "1Gi"}}}}}],
    )  # fmt: skip


def test_params_that_name_all_restore_over_another_revision(local: Local, count: Path) -> None:
    local.run(by_params("one", count, revision="r1"))
    second = local.run(by_params("two", count, revision="r2"))
    assert is_success(second)
    assert origin(local, "two") == "one-train"
    here = folder(local, second)
    assert (here / "out" / "model").read_text() == "k\n"
    assert (here / "revision").read_text() == "r2\n", "what train left alone is not its own"
    assert (here / "link").readlink() == Path("r2")
    # The Task after it rests on fetch, too: with other files before it, it runs anew.
    assert count.read_text() == "train\njudge\njudge\n"
    local.run(by_params("three", count, revision="r3", key="other"))
    assert origin(local, "three") is None
    local.run(by_params("four", count, revision="r1"))
    assert local.log("four-judge") == "r1"
    assert count.read_text() == "train\njudge\njudge\ntrain\njudge\n"


def test_nothing_is_restored_through_a_link(local: Local, count: Path, tmp_path: Path) -> None:
    local.run(by_params("one", count, revision="r1"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "model").write_text("mine")
    local.run(by_params("two", count, revision="r2", before=f"ln -s {elsewhere} out"))
    assert (elsewhere / "model").read_text() == "mine"


def test_promise_that_is_not_known_fails_by_name(local: Local, count: Path) -> None:
    local.run(by_params("one", count, revision="r1", after="parms"))
    condition = local.task_run("one-judge")["status"]["conditions"][0]
    assert condition["reason"] == "TaskRunValidationFailed"
    assert 'annotation mltk.dev/cache is "parms": write "true" or "params"' in condition["message"]
    assert count.read_text() == "train\n"


def test_secret_that_changes_is_another_input(local: Local, count: Path) -> None:
    step = {"script": f"echo ran >> {count}",
            "envFrom": [{"secretRef": {"name": "s", "optional": True}}]}  # fmt: skip
    for number, value in enumerate(("a", "b", "b")):
        if number == 1:
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
            local.backend.create({**secret, "stringData": {"K": value}})
        local.run(pipeline_run(f"r{number}", task("t", step, spec_metadata=CACHED["metadata"])))
    assert count.read_text() == "ran\n" * 2


def test_failure_is_never_restored(local: Local, count: Path) -> None:
    failing = task("t", f"echo ran >> {count}; exit 1", spec_metadata=CACHED["metadata"])
    for name in ("one", "two"):
        local.run(pipeline_run(name, failing))
    assert count.read_text() == "ran\n" * 2


def test_volume_that_outlives_the_run_is_no_known_input(local: Local, count: Path) -> None:
    use = {"workspaces": [{"name": "w", "workspace": "v"}], "spec_workspaces": [{"name": "w"}]}
    for name in ("one", "two"):
        local.run(
            pipeline_run(
                name,
                task("t", f"echo ran >> {count}", spec_metadata=CACHED["metadata"], **use),
                pipeline_workspaces=[{"name": "v"}],
                workspaces=[{"name": "v", "persistentVolumeClaim": {"claimName": "mine"}}],
            )
        )
    assert count.read_text() == "ran\n" * 2


def test_cache_that_cannot_be_used_fails_no_run(local: Local, count: Path) -> None:
    local.run(delivery("one", count))
    shutil.rmtree(local.root / "cache")
    (local.root / "cache").write_text("a file where a folder should be")
    assert is_success(local.run(delivery("two", count)))
    assert count.read_text() == "ran\n" * 2


def test_a_restored_task_tells_what_its_steps_told(local: Local, count: Path) -> None:
    make = {"results": [{"name": "r"}],
            "script": f"echo ran >> {count}; printf told > $(step.results.r.path)"}  # fmt: skip
    never = {"when": [{"input": "a", "operator": "in", "values": ["b"]}], "script": "exit 1"}
    result = [{"name": "r", "value": "$(steps.s0.results.r)"}]
    ended = []
    for name in ("first", "second"):
        made = task("train", make, never, spec_results=result, spec_metadata=CACHED["metadata"])
        local.run(pipeline_run(name, made))
        run = local.task_run(f"{name}-train")
        assert results(run) == {"r": "told"}
        ended.append([(s.get("results"), s["terminationReason"]) for s in run["status"]["steps"]])
    told = [{"name": "r", "type": "string", "value": "told"}]
    assert ended == [[(told, "Completed"), (None, "Skipped")]] * 2
    assert count.read_text() == "ran\n"
    assert origin(local, "second") == "first-train"


def fan(name: str, count: Path, below: str = "out/$(params.one)") -> Obj:
    """Two TaskRuns that run at the same time on one volume, each in a folder of its own."""
    marks = {**BY_PARAMS["annotations"], "mltk.dev/cache-below": below}
    met = f"touch {count}.$(params.one); until [ -e {count}.a ] && [ -e {count}.b ]; do :; done"
    made = f"cd $(workspaces.w.path); mkdir -p {below}; echo $(params.one) > {below}/f"
    script = f"{met}; echo ran >> {count}; {made}"
    return pipeline_run(
        name,
        task("fan", script, matrix={"params": [{"name": "one", "value": ["a", "b"]}]},
             spec_params=[{"name": "one"}], spec_metadata={"annotations": marks},
             workspaces=[{"name": "w", "workspace": "v"}], spec_workspaces=[{"name": "w"}]),
        pipeline_workspaces=[{"name": "v"}],
        workspaces=[{"name": "v", "volumeClaimTemplate": {
            "spec": {"accessModes": ["ReadWriteOnce"],
                     "resources": {"requests": {"storage": "1Gi"}}}}}],
    )  # fmt: skip


def test_those_that_write_side_by_side_are_kept_one_by_one(local: Local, count: Path) -> None:
    assert is_success(local.run(fan("first", count)))
    second = local.run(fan("second", count))
    assert [origin(local, "second", f"fan-{n}") for n in (0, 1)] == ["first-fan-0", "first-fan-1"]
    assert count.read_text() == "ran\nran\n"
    written = folder(local, second) / "out"
    assert [(written / name / "f").read_text() for name in "ab"] == ["a\n", "b\n"]


def test_a_promise_about_a_place_outside_fails_by_name(local: Local, count: Path) -> None:
    run = local.run(fan("outside", count, below="../$(params.one)"))
    assert not is_success(run)
    message = local.task_run("outside-fan-0")["status"]["conditions"][0]["message"]
    assert message == (
        'annotation mltk.dev/cache-below is "../a": write a path below the workspace'
    )
