"""The payloads of Bitbucket Server that go-scm ships, with the shipped triggers."""

from __future__ import annotations

from typing import Any

import pytest

from tests import published
from tests.func.webhooks.shipped import by_bitbucket, forged, is_without_secrets, runs

_HOST = "https://bitbucket.example.com"
_PULL_REQUESTS = ("pr_open", "pr_ref_updated")


@pytest.fixture(autouse=True, scope="module")
def _module() -> None:
    if why := published.missing():
        pytest.skip(why)


def examples() -> dict[str, Any]:
    return {name.removeprefix("bitbucket/"): each for name, each in published.bitbucket().items()}


def started(payload: Any, branches: str = "['refs/heads/master']") -> list[Any]:
    return list(runs(payload, by_bitbucket(payload["eventKey"]), branches))


def test_what_starts_runs_and_what_does_not() -> None:
    found = {name: len(started(payload)) for name, payload in examples().items()}
    assert {name for name, count in found.items() if count} == {"push", *_PULL_REQUESTS}
    assert max(found.values()) == 1
    assert len(found) >= 15


def test_a_push_says_what_to_clone_compare_and_tell() -> None:
    payload = examples()["push"]
    (run,) = started(payload)
    assert not is_without_secrets(run)
    assert run["repo-url"] == f"{_HOST}/scm/PRJ/my-repo.git"
    assert run["revision"] == payload["changes"][0]["toHash"]
    assert run["before"] == payload["changes"][0]["fromHash"]
    assert (run["register"], run["pull-request"]) == ("true", "")
    assert run["forge"] == f"bitbucket:{_HOST}/projects/PRJ/repos/my-repo"


def test_a_push_of_several_branches_starts_runs_of_the_one_that_is_meant() -> None:
    payload, other = examples()["push"], examples()["push_branch_create"]
    gone = {**examples()["push_branch_delete"]["changes"][0], "ref": payload["changes"][0]["ref"]}
    wanted = payload["changes"][0]["toHash"]
    payload["changes"] = [*other["changes"], gone, *payload["changes"]]
    (run,) = started(payload)
    assert run["revision"] == wanted


@pytest.mark.parametrize("name", _PULL_REQUESTS)
def test_a_pull_request_is_judged_and_registers_nothing(name: str) -> None:
    payload = examples()[name]
    pull = payload["pullRequest"]
    (run,) = started(payload)
    assert not is_without_secrets(run)
    assert run["repo-url"] == f"{_HOST}/scm/PRJ/my-repo.git"
    assert (run["revision"], run["before"]) == (pull["fromRef"]["latestCommit"], "origin/master")
    assert (run["register"], run["pull-request"]) == ("false", str(pull["id"]))
    assert run["forge"] == f"bitbucket:{_HOST}/projects/PRJ/repos/my-repo"


@pytest.mark.parametrize("name", _PULL_REQUESTS)
def test_a_pull_request_of_a_fork_sees_no_secret(name: str) -> None:
    payload = examples()[name]
    theirs = payload["pullRequest"]["fromRef"]["repository"]
    theirs |= {"id": theirs["id"] + 1, "project": {"key": "~other"}}
    (run,) = started(payload)
    assert is_without_secrets(run)
    assert run["repo-url"] == f"{_HOST}/scm/~other/my-repo.git"


def test_a_branch_that_is_deleted_starts_nothing() -> None:
    payload = examples()["push_branch_delete"]
    payload["changes"][0]["ref"]["id"] = "refs/heads/master"
    assert started(payload) == []


def test_another_branch_starts_nothing() -> None:
    for name in ("push", *_PULL_REQUESTS):
        assert started(examples()[name], "['refs/heads/main']") == []


def test_who_asks_to_skip_is_heard() -> None:
    for name in _PULL_REQUESTS:
        payload = examples()[name]
        payload["pullRequest"]["title"] += " [skip mltk]"
        assert started(payload) == []
    # Newer servers say the commit, too.
    assert started({**examples()["push"], "toCommit": {"message": "[skip mltk] typo"}}) == []


def test_what_is_not_signed_starts_nothing() -> None:
    for name in ("push", *_PULL_REQUESTS):
        payload = examples()[name]
        assert runs(payload, forged(by_bitbucket(payload["eventKey"]))) == []
