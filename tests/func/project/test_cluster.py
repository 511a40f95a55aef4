"""What a cluster is given to clone, told by real remotes: bare repositories and a git daemon."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mltk.errors import ConfigError, InfrastructureError
from mltk.project.cluster import (
    cluster_request,
    published_revision,
    references,
    repo_url,
    unreachable,
)
from mltk.project.git import Repository
from mltk.project.load import load
from mltk.project.spec import Project

Git = Callable[..., str]


@pytest.fixture
def bare(repository: Repository, tmp_path: Path, git: Git) -> Path:
    """The remote `origin` of the project, with all that is committed."""
    remote = tmp_path / "srv" / "project.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(repository.root), str(remote))
    git(repository.root, "branch", "--move", "--force", "main")
    git(remote, "branch", "--move", "--force", "main")
    git(repository.root, "remote", "add", "origin", f"file://{remote}")
    return remote


@pytest.fixture
def daemon(bare: Path) -> Iterator[str]:
    """The same repository as a git server shows it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    with subprocess.Popen([*command, f"--base-path={bare.parent}", "--reuseaddr"]) as process:
        url = f"git://127.0.0.1:{port}/{bare.name}"
        deadline = time.monotonic() + 20
        while subprocess.run(["git", "ls-remote", url], capture_output=True).returncode:
            assert time.monotonic() < deadline, "the git daemon does not answer"
        yield url
        process.terminate()


def project_of(repository: Repository, cluster: str = "") -> Project:
    file = repository.root / "mltk.yaml"
    file.write_text(f"{file.read_text()}\n{cluster}")
    return load(file)


def test_what_is_published_is_run_at_its_commit(
    repository: Repository, bare: Path, daemon: str, git: Git
) -> None:
    for url in (f"file://{bare}", daemon):
        assert published_revision(repository, url) == repository.head()
    # Behind the tip, on a branch that this clone has never seen.
    head = repository.head()
    other = bare.parent / "other"
    git(bare.parent, "clone", "--quiet", str(bare), str(other))
    (other / "more.txt").write_text("more\n")
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message", "More")
    git(other, "push", "--quiet", "origin", "HEAD:main")
    assert published_revision(repository, daemon) == head
    assert not (repository.root / ".git" / "FETCH_HEAD").exists()


def test_what_is_not_committed_is_refused(repository: Repository, bare: Path) -> None:
    (repository.root / "new.txt").write_text("new\n")
    with pytest.raises(ConfigError, match="work is not committed") as refusal:
        published_revision(repository, f"file://{bare}")
    hint = "type `git add --all && git commit && git push origin main`"
    assert refusal.value.hint == hint


def test_what_is_not_pushed_is_refused(repository: Repository, bare: Path, git: Git) -> None:
    url = f"file://{bare}"
    git(repository.root, "switch", "--quiet", "--create", "try/this")
    (repository.root / "new.txt").write_text("new\n")
    head = repository.commit_all("New")
    with pytest.raises(ConfigError, match=f"the commit {head[:12]} is not in file://") as refusal:
        published_revision(repository, url)
    assert refusal.value.hint == "type `git push origin try/this`"
    git(repository.root, "push", "--quiet", "origin", "try/this")
    assert published_revision(repository, url) == head
    git(repository.root, "checkout", "--quiet", "--detach")
    (repository.root / "new.txt").write_text("newer\n")
    repository.commit_all("Newer")
    with pytest.raises(ConfigError) as refusal:
        published_revision(repository, url)
    assert refusal.value.hint == "type `git push origin HEAD:refs/heads/NAME`"


def test_a_tag_publishes_a_commit_too(repository: Repository, bare: Path, git: Git) -> None:
    (repository.root / "new.txt").write_text("new\n")
    head = repository.commit_all("New")
    git(repository.root, "tag", "--annotate", "--message", "v1", "v1")
    git(repository.root, "push", "--quiet", "origin", "v1")
    assert published_revision(repository, f"file://{bare}") == head


def test_where_only_the_cluster_can_read_the_url_origin_answers(
    repository: Repository, bare: Path
) -> None:
    inside = "git://source.invalid/project.git"
    assert published_revision(repository, inside) == repository.head()
    (repository.root / "new.txt").write_text("new\n")
    repository.commit_all("New")
    with pytest.raises(ConfigError) as refusal:
        published_revision(repository, inside)
    assert refusal.value.hint == "type `git push origin main`"
    shutil.rmtree(bare)
    with pytest.raises(InfrastructureError, match="none could be read") as silence:
        published_revision(repository, inside)
    assert silence.value.hint == f"type `git ls-remote {inside}` and see what is wrong"


def test_the_url_is_that_of_origin_unless_mltk_yaml_gives_one(
    repository: Repository, git: Git
) -> None:
    project = project_of(repository)
    with pytest.raises(ConfigError, match="no remote 'origin'") as refusal:
        repo_url(project, repository)
    assert "git remote add origin URL && git push -u origin HEAD" in str(refusal.value)
    git(repository.root, "remote", "add", "origin", "https://ada:secret@git.example.org/x.git")
    assert repo_url(project, repository) == "https://git.example.org/x.git"
    git(repository.root, "remote", "set-url", "origin", "git://cluster.example/x.git")
    # What stands for the URL on this machine is of no use to a pod.
    git(repository.root, "config", "url.git://127.0.0.1:1/.insteadOf", "git://cluster.example/")
    assert repo_url(project, repository) == "git://cluster.example/x.git"
    given = project_of(repository, "cluster: {repo_url: ssh://git@git.example.org/x.git}\n")
    assert repo_url(given, repository) == "ssh://git@git.example.org/x.git"
    git(repository.root, "remote", "set-url", "origin", "ssh://git:secret@git.example.org/x.git")
    assert repo_url(project, repository) == "ssh://git@git.example.org/x.git"


def test_a_folder_of_this_machine_is_no_url_for_a_cluster(
    repository: Repository, bare: Path
) -> None:
    with pytest.raises(ConfigError, match="it is a folder of this machine") as refusal:
        repo_url(project_of(repository), repository)
    assert refusal.value.where == "remote 'origin'"
    given = project_of(repository, "cluster: {repo_url: ../other}\n")
    with pytest.raises(ConfigError, match=r"pods cannot clone \.\./other") as refusal:
        repo_url(given, repository)
    assert refusal.value.where == "cluster.repo_url of mltk.yaml"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://github.com/a/b.git", ""),
        ("ssh://git@github.com:22/a/b.git", ""),
        ("git@github.com:a/b.git", ""),
        ("github.com:a/b", ""),
        ("git://source.ns.svc.cluster.local/b.git", ""),
        ("git@[2001:db8::1]:a/b.git", ""),
        ("/srv/git/b.git", "folder"),
        ("./b:c", "folder"),
        ("../b", "folder"),
        ("file:///srv/b.git", "folder"),
        (r"C:\work\b", "folder"),
        ("C:/work/b", "folder"),
        ("http://localhost:8080/b.git", "this machine itself"),
        ("git://127.0.0.1/b.git", "this machine itself"),
        ("http://[::1]/b.git", "this machine itself"),
        ("me@localhost:b.git", "this machine itself"),
        ("ftp://example.org/b.git", "no protocol"),
        ("https://github.com", "no host and repository"),
        ("https:///a/b", "no host and repository"),
    ],
)
def test_urls_that_a_pod_can_and_cannot_clone(url: str, why: str) -> None:
    assert (why in unreachable(url)) if why else not unreachable(url)


def test_the_references_of_a_remote() -> None:
    listing = "aa\tHEAD\nbb\trefs/heads/main\nwarning: nothing\n"
    assert dict(references(listing)) == {"HEAD": "aa", "refs/heads/main": "bb"}


def test_the_request_of_a_cluster(repository: Repository) -> None:
    file = repository.root / "mltk.yaml"
    file.write_text(
        file.read_text().replace("    seed: 0", "    deploy: {folder: www}\n    seed: 0")
    )
    project = project_of(repository, "cluster: {image: r/mltk:1}\n")
    repository.commit_all("For a cluster")
    url = "https://git.example.org/x.git"
    request = cluster_request(project, "points", repository, repository.head(), url)
    assert (request.repo_url, request.image, request.deploy_folder) == (url, "r/mltk:1", "")
    # Data that was changed and not recorded is not what a clone would bring.
    (repository.root / "data" / "points.csv").chmod(0o644)
    with (repository.root / "data" / "points.csv").open("a") as table:
        table.write("1,2,5\n")
    with pytest.raises(ConfigError, match=r"data/points\.csv"):
        cluster_request(project, "points", repository, repository.head(), url)
