"""The fetch step as a Task calls it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mltk.project.git import Repository
from mltk.project.load import load
from mltk.project.request import RunRequest, revision_of, run_request
from mltk.records import Source
from mltk.steps import step
from tests.func.steps.killing import survives

Git = Callable[..., str]
DATA = "data/points.csv"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def request_for(repository: Repository) -> RunRequest:
    project = load(repository.root / "mltk.yaml")
    return run_request(project, "points", repository, revision_of(repository))


def fetch(workspace: Path, request: RunRequest, **changes: str) -> Result:
    options = {
        "repo-url": request.repo_url,
        "revision": request.revision,
        "model": request.model,
        "data-version": request.data_version,
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return CliRunner().invoke(step, ["fetch", "--workspace", str(workspace), *arguments])


def test_the_project_its_data_and_its_key(
    repository: Repository, workspace: Path, csv: Path
) -> None:
    request = request_for(repository)
    done = fetch(workspace, request, result=f"key={workspace / 'key'}")
    assert done.exit_code == 0, done.output
    assert (workspace / "source" / DATA).read_bytes() == csv.read_bytes()
    source = Source.read(workspace)
    assert source.key == request.key == (workspace / "key").read_text()
    assert source.key_parts == request.parts.as_dict()
    assert source.data_version == request.data_version


def test_a_rerun_in_the_same_workspace(repository: Repository, workspace: Path) -> None:
    request = request_for(repository)
    assert fetch(workspace, request).exit_code == 0
    before = (workspace / "source.json").read_bytes()
    (workspace / "source" / "mltk.yaml").write_text("spoilt")
    (workspace / "source" / DATA).write_text("spoilt")
    assert fetch(workspace, request).exit_code == 0
    assert (workspace / "source.json").read_bytes() == before
    assert (workspace / "source" / DATA).read_text().startswith("x1,x2,y\n")


def test_a_rerun_after_a_fetch_that_was_killed(repository: Repository, workspace: Path) -> None:
    (workspace / "source" / ".git").mkdir(parents=True)
    assert fetch(workspace, request_for(repository)).exit_code == 0


@pytest.mark.parametrize("lock", ["index.lock", "HEAD.lock", "shallow.lock"])
def test_a_rerun_after_a_checkout_that_was_killed(
    repository: Repository, workspace: Path, lock: str
) -> None:
    request = request_for(repository)
    assert fetch(workspace, request).exit_code == 0
    (workspace / "source" / ".git" / lock).touch()
    (workspace / "source" / "mltk.yaml").unlink()
    done = fetch(workspace, request)
    assert done.exit_code == 0, done.output
    assert (workspace / "source" / "mltk.yaml").is_file()


def test_a_kill_at_any_change_of_the_workspace(
    repository: Repository, workspace: Path, csv: Path
) -> None:
    request = request_for(repository)
    options = ("--repo-url", request.repo_url, "--revision", request.revision)
    options += ("--model", request.model, "--data-version", request.data_version)
    # git itself, cut off while it works, leaves what a kill between two of its calls does.
    assert survives(workspace, ["fetch", "--workspace", str(workspace), *options]) > 3
    assert (workspace / "source" / DATA).read_bytes() == csv.read_bytes()
    assert Source.read(workspace).key == request.key


def test_work_that_is_not_committed(repository: Repository, workspace: Path) -> None:
    text = (repository.root / "mltk.yaml").read_text().replace("seed: 0", "seed: 5")
    (repository.root / "mltk.yaml").write_text(text)
    request = request_for(repository)
    assert request.revision != repository.head()
    assert fetch(workspace, request).exit_code == 0
    assert Source.read(workspace).key_parts["seed"] == "5"


def test_an_older_revision(repository: Repository, workspace: Path, git: Git) -> None:
    request = request_for(repository)
    (repository.root / "README.md").write_text("newer\n")
    repository.commit_all("Newer")
    assert fetch(workspace, request).exit_code == 0
    assert (workspace / "source" / "README.md").read_text() != "newer\n"


def test_data_from_the_remote_of_the_project(repository: Repository, workspace: Path) -> None:
    request = request_for(repository)
    shutil.rmtree(repository.root / ".dvc" / "cache")
    shutil.rmtree(repository.root / "data")
    assert fetch(workspace, request).exit_code == 0
    assert (workspace / "source" / DATA).is_file()


def test_a_clone_by_url_brings_a_remote_that_is_committed(
    repository: Repository, workspace: Path, tmp_path: Path, git: Git
) -> None:
    (repository.root / ".gitignore").write_text("/data\n.mltk/\n")
    repository.commit_all("Keep the small remote in git")
    git(tmp_path, "clone", "--quiet", "--bare", str(repository.root), "bare.git")
    request = request_for(repository)
    done = fetch(workspace, request, repo_url=f"file://{tmp_path / 'bare.git'}")
    assert done.exit_code == 0, done.output
    assert (workspace / "source" / DATA).is_file()


def test_a_data_file_in_git(repository: Repository, workspace: Path, csv: Path) -> None:
    (repository.root / "points.csv").write_bytes(csv.read_bytes().replace(b"\n", b"\r\n"))
    (repository.root / ".gitattributes").write_text("*.csv text\n")
    text = (repository.root / "mltk.yaml").read_text().replace(DATA, "points.csv")
    (repository.root / "mltk.yaml").write_text(text)
    repository.commit_all("Data in git")
    request = request_for(repository)
    assert fetch(workspace, request).exit_code == 0
    assert Source.read(workspace).data_version == request.data_version


def test_other_bytes_in_the_cache(repository: Repository, workspace: Path) -> None:
    request = request_for(repository)
    digest = request.data_version.removeprefix("md5:")
    cached = repository.root / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
    cached.chmod(0o644)
    cached.write_text("x1,x2,y\n0,0,0\n")
    done = fetch(workspace, request)
    assert done.exit_code == 3
    assert "holds other bytes" in done.stderr
    assert f"delete {cached}, then type `dvc fetch data.dvc`" in done.stderr
    assert not (workspace / "source" / DATA).exists()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"data_version": "md5:00"}, 3, "but md5:00 was asked for"),
        ({"model": "poins"}, 3, "there is no model 'poins'"),
        ({"revision": "main"}, 2, "no full commit SHA"),
        ({"revision": "0" * 40}, 5, "has no commit 000000"),
        ({"repo_url": "/no/such/project"}, 5, "cannot be fetched"),
        ({"repo_url": "--upload-pack=touch /tmp/x"}, 5, "cannot be fetched"),
    ],
)
def test_what_cannot_be_fetched(
    repository: Repository, workspace: Path, changes: dict[str, str], code: int, words: str
) -> None:
    done = fetch(workspace, request_for(repository), **changes)
    assert (done.exit_code, "Traceback" in done.stderr) == (code, False)
    assert words in done.stderr


def test_a_link_that_leads_out_of_the_workspace(
    repository: Repository, workspace: Path, tmp_path: Path
) -> None:
    request = request_for(repository)
    repository.git("rm", "--quiet", "--cached", ".gitignore")
    (repository.root / ".gitignore").unlink()
    shutil.rmtree(repository.root / "data")
    (repository.root / "data").symlink_to(tmp_path / "outside")
    revision = repository.commit_all("A link")
    done = fetch(workspace, request, revision=revision)
    assert done.exit_code == 3
    assert "symbolic link" in done.stderr
