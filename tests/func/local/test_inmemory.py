"""Where the small files of a TaskRun lie while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mltk.local import inmemory
from mltk.tekton.objects import Obj, reason, results, uid_of

from .conftest import Local, pipeline_run, task

WRITER = 'printf one > "$(results.out.path)"; echo at $(results.out.path)'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "memory"
    monkeypatch.setattr(inmemory, "FOLDER", found)
    return found


def ran(local: Local) -> Obj:
    local.run(pipeline_run("r", task("t", WRITER, results=["out"])))
    found: Obj = local.backend.get("tr", "r-t", "default")
    assert (reason(found), results(found)) == ("Succeeded", {"out": "one"})
    return found


def test_results_lie_in_memory_and_leave_nothing_there(local: Local, folder: Path) -> None:
    found = ran(local)
    assert local.log("r-t").strip() == f"at {folder / uid_of(found)}/results/out"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(folder.iterdir())


@pytest.mark.parametrize("state", ["open to others", "of another", "a link", "full"])
def test_folder_that_cannot_be_trusted_is_left_alone(
    local: Local, folder: Path, tmp_path: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if state == "open to others":
        folder.mkdir(mode=0o700)
        folder.chmod(0o770)
    elif state == "of another":
        folder.mkdir(mode=0o700)
        user = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    elif state == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        monkeypatch.setattr(inmemory, "_LEAST_FREE", 1 << 62)
    ran(local)
    assert local.log("r-t").strip() == f"at {local.root}/work/default/r-t/results/out"


def test_what_an_engine_left_goes_with_its_store(local: Local, folder: Path) -> None:
    """Of an engine that was killed, whose project has been deleted, and of one that still runs."""
    for name in ("gone", "there"):
        store = local.root.parent / name / "state.db"
        store.parent.mkdir()
        store.touch()
        folder.mkdir(mode=0o700, exist_ok=True)
        inmemory.make(folder / name, store)
        (folder / name / "results").mkdir()
    (local.root.parent / "gone" / "state.db").unlink()
    ran(local)
    assert [each.name for each in folder.iterdir()] == ["there"]
