"""What the shipped triggers for git hosts make of an event, with the signature of its host."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mltk.tekton.triggers.bindings import Event
from mltk.tekton.triggers.chain import Interceptors
from mltk.tekton.triggers.interceptors.core import Core
from mltk.tekton.triggers.sink import Surroundings, handle

_FOLDER = Path(__file__).parents[3] / "tekton" / "triggers"
_MAIN = "['refs/heads/main']"
MASTER = "['refs/heads/master']"
LISTENER = "EventListener", "mltk"
_NO_SECRET = "mltk-none"
SECRET = "s3cret"
SECRETS = ("mltk-github", "mltk-gitlab", "mltk-gitea", "mltk-bitbucket", "mltk-git")
NAMESPACE = "ns"

Payload = Mapping[str, Any]
Proof = Callable[[bytes], dict[str, str]]
Run = Mapping[str, str]
"""The params of the TaskRun start-runs."""


def by_github(event: str) -> Proof:
    """The headers with which GitHub sends an event."""
    return lambda body: {"X-GitHub-Event": event, "X-Hub-Signature-256": _signature(body)}


def by_gitea(event: str) -> Proof:
    """The headers with which Gitea and Forgejo send an event."""
    return lambda body: {"X-Gitea-Event": event, **by_github(event)(body)}


def by_gitlab(event: str) -> Proof:
    """The headers with which GitLab sends an event."""
    return lambda _: {"X-Gitlab-Event": event, "X-Gitlab-Token": SECRET}


def by_bitbucket(event: str) -> Proof:
    """The headers with which Bitbucket Server sends an event."""
    return lambda body: {"X-Event-Key": event, "X-Hub-Signature": _signature(body)}


def forged(proof: Proof) -> Proof:
    """The same headers from somebody who does not have the secret."""
    return lambda body: {
        name: value.replace(SECRET, "guess") if "Token" in name else value
        for name, value in proof(body + b" ").items()
    }


def runs(
    payload: Payload,
    proof: Proof,
    branches: str = MASTER,
) -> list[Run]:
    """What is started, where `branches` stands for those of the shipped filter."""
    body, header = sent(payload, proof)
    found = objects(branches)

    def get(kind: str, namespace: str, name: str) -> Any:
        return found.get((kind, name))

    core = Core(_held, _no_github)
    outside = Surroundings(get, lambda _: (), Interceptors(get, core, _no_call), lambda: "uid")
    event = Event(body, header, event_id="e")
    handled = handle(found[LISTENER], event, "/", outside)
    assert handled.answer.status == 202
    return [_run(made) for outcome in handled.outcomes for made in outcome.objects]


def sent(payload: Payload, proof: Proof) -> tuple[bytes, dict[str, list[str]]]:
    """The body and the headers of an event."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    header = {"Content-Type": ["application/json"]}
    return body, header | {name: [value] for name, value in proof(body).items()}


def is_without_secrets(run: Run) -> bool:
    """Whether a run is of a fork: nothing of it names a Secret that is there."""
    secrets = (run["source-secret"], run["forge-secret"])
    return run["untrusted"] == "true" and secrets == (_NO_SECRET, _NO_SECRET)


def _run(made: Mapping[str, Any]) -> Run:
    assert (made["kind"], made["spec"]["taskRef"]) == ("TaskRun", {"name": "start-runs"})
    run = {each["name"]: each["value"] for each in made["spec"]["params"]}
    if is_without_secrets(run):
        assert not any(name in json.dumps(made) for name in ("mltk-forge", "mltk-source"))
        assert (run["register"], run["forge"]) == ("false", "")
    else:
        assert (run["untrusted"], run["source-secret"]) == ("false", "mltk-source")
        assert run["forge-secret"] == "mltk-forge"
    return run


@cache
def objects(branches: str) -> Mapping[tuple[str, str], Any]:
    """What is shipped, by kind and name, for `branches`."""
    found = {
        (each["kind"], each["metadata"]["name"]): each
        for file in sorted(_FOLDER.glob("*.yaml"))
        for each in yaml.safe_load_all(file.read_text("utf-8").replace(_MAIN, branches))
    }
    for each in found.values():
        each["metadata"]["namespace"] = NAMESPACE
    return found


def _held(namespace: str, name: str) -> Mapping[str, bytes] | None:
    return {"token": SECRET.encode()} if namespace == NAMESPACE and name in SECRETS else None


def _no_github(host: str, token: str) -> Any:
    raise AssertionError(f"{host or 'github.com'} was asked")


def _no_call(call: Any) -> Any:
    raise AssertionError(f"{call.url} was asked")


def _signature(body: bytes) -> str:
    return f"sha256={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}"
