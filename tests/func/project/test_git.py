from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mltk.errors import ConfigError, InfrastructureError, NotFound
from mltk.project.git import Repository

Git = Callable[..., str]


@pytest.fixture
def work(tmp_path: Path, git: Git) -> Repository:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "a.txt").write_text("one\n")
    (folder / ".gitignore").write_text("ignored\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Start")
    return Repository.at(folder)


def test_a_snapshot_holds_what_is_not_committed(work: Repository, git: Git) -> None:
    (work.root / "a.txt").write_text("two\n")
    (work.root / "new.txt").write_text("new\n")
    (work.root / "ignored").write_text("no\n")
    (work.root / ".mltk").mkdir()
    (work.root / ".mltk" / "state.db").write_text("no\n")
    before = git(work.root, "status", "--porcelain")
    sha = work.snapshot()
    assert set(work.files(sha)) == {".gitignore", "a.txt", "new.txt"}
    assert work.read(sha, "a.txt") == b"two\n"
    assert git(work.root, "status", "--porcelain") == before, "the index is as it was"
    assert git(work.root, "rev-parse", f"refs/mltk/snapshots/{sha}") == sha
    assert git(work.root, "rev-parse", f"{sha}^") == work.head()


def test_the_same_work_is_the_same_snapshot(work: Repository) -> None:
    assert not work.is_dirty()
    (work.root / "a.txt").write_text("two\n")
    assert work.is_dirty()
    first = work.snapshot()
    assert work.snapshot() == first
    (work.root / "a.txt").write_text("three\n")
    assert work.snapshot() != first


def test_the_state_of_the_engine_is_no_work(work: Repository) -> None:
    (work.root / ".mltk").mkdir()
    (work.root / ".mltk" / "state.db").write_text("x")
    assert not work.is_dirty()


def test_files_at_a_revision(work: Repository) -> None:
    assert work.read("HEAD", "a.txt") == b"one\n"
    assert work.read("HEAD", "b.txt") is None
    assert work.resolve("HEAD") == work.head()
    with pytest.raises(NotFound, match="no commit 'v9'"):
        work.resolve("v9")
    with pytest.raises(NotFound, match="--upload-pack"):
        work.resolve("--upload-pack=x")


def test_a_repository_without_commits(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(ConfigError, match="no commit yet") as caught:
        Repository.at(tmp_path).head()
    assert "git commit" in str(caught.value.hint)


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a git repository") as caught:
        Repository.at(tmp_path)
    assert "git init" in str(caught.value.hint)


def test_a_project_below_the_top(work: Repository) -> None:
    (work.root / "sub").mkdir()
    with pytest.raises(ConfigError, match="a folder inside the git repository"):
        Repository.at(work.root / "sub")


def test_git_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="'no-such-git' was not found") as caught:
        Repository.at(tmp_path, "no-such-git")
    assert "install git" in str(caught.value.hint)


def test_a_hook_runs_mltk(work: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook git points GIT_DIR at its own repository; other folders must not follow it."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert not work.is_dirty()


def test_a_snapshot_is_made_where_the_state_is_ignored(work: Repository) -> None:
    (work.root / ".gitignore").write_text(".mltk/\n")
    (work.root / ".mltk").mkdir()
    (work.root / ".mltk" / "state.db").write_text("private")
    (work.root / "new.txt").write_text("new")
    snapshot = work.snapshot()
    assert work.read(snapshot, "new.txt") == b"new"
    assert ".mltk/state.db" not in set(work.files(snapshot))
