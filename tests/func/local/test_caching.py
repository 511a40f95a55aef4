"""TaskRuns that are restored instead of run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Local, pipeline_run, task

from mltk.local.annotations import CACHED_FROM
from mltk.tekton.objects import Obj, annotations_of, is_success, results

CACHED = {"metadata": {"annotations": {"mltk.dev/cache": "true"}}}


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


def origin(local: Local, run: str) -> str | None:
    return annotations_of(local.task_run(f"{run}-train")).get(CACHED_FROM)


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
