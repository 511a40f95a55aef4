"""The payloads of Gitea that go-scm ships, with the shipped triggers."""

from __future__ import annotations

from typing import Any

import pytest

from tests import published
from tests.func.webhooks.shipped import by_gitea, forged, is_without_secrets, runs

_PULL_REQUESTS = tuple(
    f"gitea/pull_request_{action}" for action in ("opened", "reopened", "synchronized")
)
_PUSH = "gitea/push"


@pytest.fixture(autouse=True, scope="module")
def _modules() -> None:
    if why := published.missing():
        pytest.skip(why)


def started(name: str, payload: Any) -> list[Any]:
    return list(runs(payload, by_gitea(published.gitea_event(name))))


def test_what_starts_runs_and_what_does_not() -> None:
    found = {name: len(started(name, payload)) for name, payload in published.gitea().items()}
    assert {name for name, count in found.items() if count} == {_PUSH, *_PULL_REQUESTS}
    assert max(found.values()) == 1


def test_a_push_says_what_to_clone_compare_and_tell() -> None:
    payload = published.gitea()[_PUSH]
    (run,) = started(_PUSH, payload)
    assert not is_without_secrets(run)
    assert run["repo-url"] == payload["repository"]["clone_url"]
    assert (run["revision"], run["before"]) == (payload["after"], payload["before"])
    assert run["forge"] == f"gitea:{payload['repository']['html_url']}"


@pytest.mark.parametrize("name", _PULL_REQUESTS)
def test_a_pull_request_is_judged_and_one_of_a_fork_sees_no_secret(name: str) -> None:
    payload = published.gitea()[name]
    head = payload["pull_request"]["head"]
    (run,) = started(name, payload)
    assert not is_without_secrets(run)
    assert (run["revision"], run["before"]) == (head["sha"], "origin/master")
    assert (run["register"], run["pull-request"]) == ("false", str(payload["number"]))

    head["repo"] |= {"full_name": "other/my-repo", "clone_url": "https://example.org/other.git"}
    (run,) = started(name, payload)
    assert is_without_secrets(run)
    assert run["repo-url"] == "https://example.org/other.git"


def test_a_branch_that_is_deleted_starts_nothing() -> None:
    payload = {**published.gitea()[_PUSH], "after": "0" * 40, "commits": []}
    assert started(_PUSH, payload) == []


def test_who_asks_to_skip_is_heard() -> None:
    payload = published.gitea()[_PUSH]
    payload["commits"] = [{"id": payload["after"], "message": "typo [skip mltk]"}]
    assert started(_PUSH, payload) == []


def test_what_is_not_signed_starts_nothing() -> None:
    assert runs(published.gitea()[_PUSH], forged(by_gitea("push"))) == []
