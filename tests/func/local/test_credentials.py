"""What git is told by the Secrets of a ServiceAccount, in steps kept apart and in others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mltk.local.backend import LocalBackend
from mltk.local.process import ProcessRuntime
from mltk.tekton.objects import message, reason, results

from .conftest import Local
from .test_isolation import task_run

WANTED = "printf 'protocol=https\\nhost=git.example.com\\n\\n'"
ASKS = f"{WANTED} | GIT_TERMINAL_PROMPT=0 git credential fill 2>/dev/null | grep ^username"
USER = {"username": "bot", "password": "hidden"}


def prepare(local: Local, **data: Any) -> None:
    annotations = {"tekton.dev/git-0": "https://git.example.com"}
    for kind, name, fields in (
        ("Secret", "git", {"type": "kubernetes.io/basic-auth", "stringData": data}),
        ("ServiceAccount", "bot", {"secrets": [{"name": "git"}, {"name": "gone"}]}),
    ):
        metadata = {"name": name, "annotations": annotations}
        local.backend.create({"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields})


def ask(local: Local, account: str = "bot") -> dict[str, Any]:
    script = f"{ASKS} > $(results.user.path); ls -A $(credentials.path)"
    spec = {"serviceAccountName": account, "task_results": [{"name": "user"}]}
    return local.run(task_run("r", script, **spec))


@pytest.fixture
def plain(tmp_path: Path) -> Any:
    with LocalBackend(tmp_path / ".mltk") as backend, ProcessRuntime() as runtime:
        yield Local(backend, runtime)


@pytest.fixture(params=["plain", "isolated"])
def local(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_git_finds_its_user(local: Local) -> None:
    mine = Path.home() / ".git-credentials"
    before = mine.exists()
    prepare(local, **USER)
    run = ask(local)
    assert results(run) == {"user": "username=bot\n"}, message(run)
    assert local.log("r").split() == [".git-credentials", ".gitconfig"]
    assert mine.exists() is before  # that of who runs the engine is nobody else's
    assert not [each for each in local.root.rglob("*") if each.name == ".git-credentials"]


def test_an_account_without_secrets_gives_none(local: Local) -> None:
    prepare(local, **USER)
    assert reason(ask(local, "default")) == "StepFailed"
    assert local.log("r") == ""


def test_an_unfit_secret_ends_the_run(local: Local) -> None:
    prepare(local, username="bot")
    run = ask(local)
    assert reason(run) == "CreateContainerConfigError"
    assert message(run) == 'secret "git" of type kubernetes.io/basic-auth has no "password"'


def test_they_are_for_the_user_of_the_step_alone(isolated: Local) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start steps as other users")
    prepare(isolated, **USER)
    script = "cd $(credentials.path); cat .gitconfig; stat -c '%u %a' .git-credentials"
    steps = ({"script": script, "securityContext": {"runAsUser": 1234}}, script)
    run = isolated.run(task_run("r", *steps, serviceAccountName="bot"))
    assert reason(run) == "Succeeded", message(run)
    logs = [isolated.log("r", name) for name in ("s0", "s1")]
    assert [log.splitlines()[-1] for log in logs] == ["1234 600", "0 600"]


def test_who_switches_them_off_gets_none(local: Local) -> None:
    prepare(local, **USER)
    metadata = {"name": "feature-flags", "namespace": "tekton-pipelines"}
    data = {"disable-creds-init": "true"}
    local.backend.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    )
    assert reason(ask(local)) == "StepFailed"
