"""`--on cluster` as far as it goes without one: what is refused, and with which words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .cli_folder import ENVIRONMENT, MLTK, Folder

PROJECT = """\
project: shop
models:
  wine:
    problem: regression
    data: {path: wine.csv}
    target: {name: y}
    features: [{name: x}]
"""

# Nothing listens there: a command that got as far as asking says that.
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: nobody, user: {}}]
contexts:
  - {name: lab, context: {cluster: nowhere, user: nobody, namespace: models}}
  - {name: prod, context: {cluster: nowhere, user: nobody}}
current-context: lab
"""

EVERYWHERE = (
    ("get", "pr"),
    ("describe", "pr", "x"),
    ("logs", "x"),
    ("wait", "x"),
    ("cancel", "x"),
    ("rerun", "x"),
    ("delete", "pr", "x"),
    ("why", "x"),
    ("run",),
)


@pytest.fixture
def cluster(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A kubeconfig whose cluster is away."""
    path = folder.path / "kubeconfig"
    path.write_text(KUBECONFIG, encoding="utf-8")
    monkeypatch.setitem(ENVIRONMENT, "KUBECONFIG", str(path))
    return folder


def _git(folder: Path, *args: str) -> str:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    done = subprocess.run(
        ["git", *identity, *args], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(cluster: Folder, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A committed project without a remote, in a folder beside the kubeconfig."""
    work = Folder(tmp_path_factory.mktemp("project"))
    (work.path / "mltk.yaml").write_text(PROJECT, encoding="utf-8")
    (work.path / "wine.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    _git(work.path, "init", "-q", "-b", "main")
    _git(work.path, "add", "--all")
    _git(work.path, "commit", "-q", "-m", "Start")
    return work


@pytest.mark.parametrize("words", EVERYWHERE, ids=" ".join)
def test_no_kubeconfig(folder: Folder, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setitem(ENVIRONMENT, "KUBECONFIG", str(folder.path / "nowhere"))
    said = folder.mltk(*words, "--on", "cluster", code=3).stderr
    assert "no kubeconfig" in said
    assert "KUBECONFIG" in said


def test_the_environment_says_where_and_the_option_says_otherwise(
    cluster: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "MLTK_ON", "cluster:nobody")
    assert "no context 'nobody'" in cluster.mltk("get", "pr", code=3).stderr
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    file = cluster.write("t.yaml", made)
    cluster.mltk("apply", "-f", file, "--on", "local")
    assert cluster.mltk("get", "cm", "--on", "local", "-o", "name").stdout == "configmap/c\n"


def test_a_cluster_that_is_away(cluster: Folder) -> None:
    said = cluster.mltk("get", "pr", "--on", "cluster:prod", code=5).stderr
    assert "does not answer" in said
    assert "http://127.0.0.1:9" in said
    said = cluster.mltk("doctor", "--on", "cluster", code=5).stdout
    assert "context lab, namespace models" in said
    assert "does not answer" in said


def test_mltk_yaml_says_which_context_and_namespace(cluster: Folder) -> None:
    text = PROJECT + "cluster: {context: prod, namespace: wines}\n"
    (cluster.path / "mltk.yaml").write_text(text, encoding="utf-8")
    said = cluster.mltk("doctor", "--on", "cluster", code=5).stdout
    assert "context prod, namespace wines" in said
    said = cluster.mltk("doctor", "--on", "cluster:lab", "-n", "teas", code=5).stdout
    assert "context lab, namespace teas" in said
    (cluster.path / "mltk.yaml").write_text("cluster: [\n", encoding="utf-8")
    said = cluster.mltk("doctor", "--on", "cluster", code=5).stdout
    assert "context lab, namespace models" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--on", "cluster", "-j", "2"), "--jobs is for the engine of this machine"),
        (("rerun", "x", "--on", "cluster", "--no-cache"), "--no-cache is for the engine"),
        (("get", "pr", "--on", "clstr"), "'clstr' is none of local, local:DIR, cluster"),
        (("get", "pr", "--on", "cluster:"), "is none of"),
    ],
)
def test_options_that_go_with_the_other_place(
    cluster: Folder, words: tuple[str, ...], said: str
) -> None:
    assert said in cluster.mltk(*words, code=2).stderr


def test_a_run_needs_a_remote_that_pods_can_clone(project: Folder) -> None:
    assert "git remote add origin" in project.mltk("run", "--on", "cluster", code=3).stderr
    _git(project.path, "remote", "add", "origin", str(project.path))
    said = project.mltk("run", "--on", "cluster", code=3).stderr
    assert "a folder of this machine" in said
    assert "cluster.repo_url" in said


@pytest.fixture
def published(project: Folder, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The project with a remote of an address that pods could have; here git knows a short cut."""
    bare = tmp_path_factory.mktemp("bare")
    _git(bare, "init", "-q", "--bare", "-b", "main")
    _git(project.path, "remote", "add", "origin", "https://git.example.org/shop.git")
    _git(project.path, "config", f"url.{bare}.insteadOf", "https://git.example.org/shop.git")
    return project


def test_work_must_be_committed_and_pushed(published: Folder) -> None:
    said = published.mltk("run", "--on", "cluster", code=3).stderr
    assert "git push origin main" in said
    _git(published.path, "push", "-q", "origin", "main")
    (published.path / "wine.csv").write_text("x,y\n1,3\n", encoding="utf-8")
    said = published.mltk("run", "--on", "cluster", code=3).stderr
    assert "work is not committed" in said
    assert "git push origin main" in said
    _git(published.path, "commit", "-q", "-a", "-m", "More")
    assert "git push origin main" in published.mltk("run", "--on", "cluster", code=3).stderr
    _git(published.path, "push", "-q", "origin", "main")
    # Everything that can be found out here is in order: the cluster is asked.
    assert "does not answer" in published.mltk("run", "--on", "cluster", code=5).stderr


def test_a_param_is_no_way_round_what_all_may_see(published: Folder) -> None:
    uri = "tracking-uri=https://ada:secret@mlflow.example.org"
    said = published.mltk("run", "--on", "cluster", "-p", uri, code=3).stderr
    assert "-p tracking-uri" in said
    assert "Secret mltk-tracking" in said
    assert "ada" not in said


def test_completion_of_names_is_silent_when_the_cluster_is_away(cluster: Folder) -> None:
    asked = {"_MLTK_COMPLETE": "bash_complete", "COMP_CWORD": "5"}
    done = subprocess.run(
        [MLTK],
        cwd=cluster.path,
        env={**ENVIRONMENT, **asked, "COMP_WORDS": "mltk get --on cluster pr "},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")
