"""The payloads that GitHub documents (npm @octokit/webhooks-examples), with the shipped triggers.

They are of a repository whose branch is master. None is of a fork, or asks to skip: these
are made of them.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests import octokit
from tests.func.webhooks.shipped import by_github, forged, is_without_secrets, runs

_STARTING = ("opened", "reopened", "synchronize")


@pytest.fixture(autouse=True, scope="module")
def _published() -> None:
    if why := octokit.missing():
        pytest.skip(why)


def examples(event: str) -> Iterator[dict[str, Any]]:
    return (copy.deepcopy(payload) for name, payload in octokit.payloads() if name == event)


def pull_requests() -> Iterator[dict[str, Any]]:
    return (each for each in examples("pull_request") if each["action"] in _STARTING)


def pushes() -> Iterator[dict[str, Any]]:
    return (each for each in examples("push") if each["ref"] == "refs/heads/master")


def test_what_starts_runs_and_what_does_not() -> None:
    """Of all events, pushes to the branch and pull requests into it that brought commits."""
    started = Counter[str]()
    for event, payload in octokit.payloads():
        found = runs(payload, by_github(event))
        of_commits = event == "pull_request" and payload["action"] in _STARTING
        of_branch = event == "push" and payload["ref"] == "refs/heads/master"
        assert len(found) == (of_commits or of_branch), (event, payload.get("action"))
        started[event] += len(found)
    assert started.total() == started["push"] + started["pull_request"]
    assert min(started["push"], started["pull_request"]) >= 2


def test_a_push_says_what_to_clone_compare_and_tell() -> None:
    for payload in pushes():
        (run,) = runs(payload, by_github("push"))
        repository = payload["repository"]
        assert not is_without_secrets(run)
        assert run["repo-url"] == repository["clone_url"]
        assert (run["revision"], run["before"]) == (payload["after"], payload["before"])
        assert (run["register"], run["pull-request"]) == ("true", "")
        assert run["forge"] == f"github:{repository['html_url']}"


def test_a_pull_request_is_judged_and_registers_nothing() -> None:
    for payload in pull_requests():
        (run,) = runs(payload, by_github("pull_request"))
        pull = payload["pull_request"]
        assert not is_without_secrets(run)
        assert run["repo-url"] == payload["repository"]["clone_url"]
        assert (run["revision"], run["before"]) == (pull["head"]["sha"], "origin/master")
        assert (run["register"], run["pull-request"]) == ("false", str(payload["number"]))
        assert run["forge"] == f"github:{payload['repository']['html_url']}"


def test_a_pull_request_of_a_fork_sees_no_secret() -> None:
    for payload in pull_requests():
        theirs = payload["pull_request"]["head"]["repo"]
        theirs |= {"full_name": "other/Hello-World", "clone_url": "https://example.org/other.git"}
        (run,) = runs(payload, by_github("pull_request"))
        assert is_without_secrets(run)
        assert run["repo-url"] == "https://example.org/other.git"
        assert run["revision"] == payload["pull_request"]["head"]["sha"]


def test_a_fork_that_is_gone_starts_nothing() -> None:
    for payload in pull_requests():
        payload["pull_request"]["head"]["repo"] = None
        assert runs(payload, by_github("pull_request")) == []


def test_a_branch_that_is_deleted_starts_nothing() -> None:
    for payload in examples("push"):
        if payload["deleted"]:
            payload["ref"] = "refs/heads/master"
            assert runs(payload, by_github("push")) == []


def test_another_branch_starts_nothing() -> None:
    for payload in [*pushes()]:
        assert runs(payload, by_github("push"), "['refs/heads/main']") == []
    for payload in pull_requests():
        assert runs(payload, by_github("pull_request"), "['refs/heads/main']") == []


def test_who_asks_to_skip_is_heard() -> None:
    for payload in pull_requests():
        payload["pull_request"]["title"] += " [skip mltk]"
        assert runs(payload, by_github("pull_request")) == []
    for payload in pushes():
        payload["commits"] = [{**payload["head_commit"], "message": "typo\n\n[skip mltk]"}]
        assert runs(payload, by_github("push")) == []


def test_only_the_last_commit_can_ask_to_skip() -> None:
    for payload in pushes():
        last = payload["head_commit"]
        payload["commits"] = [{**last, "id": "a" * 40, "message": "[skip mltk]"}, last]
        assert len(runs(payload, by_github("push"))) == 1


def test_what_is_not_signed_starts_nothing() -> None:
    for payload in pushes():
        assert runs(payload, forged(by_github("push"))) == []
        assert runs(payload, lambda _: {"X-GitHub-Event": "push"}) == []
    for payload in pull_requests():
        assert runs(payload, forged(by_github("pull_request"))) == []
