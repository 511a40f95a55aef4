"""The payloads of GitLab's own client (client-go) and of go-scm, with the shipped triggers."""

from __future__ import annotations

from typing import Any

import pytest

from tests import published
from tests.func.webhooks.shipped import by_gitlab, forged, is_without_secrets, runs

_PUSH, _MERGE = by_gitlab("Push Hook"), by_gitlab("Merge Request Hook")
_NOBODY = "0" * 40


@pytest.fixture(autouse=True, scope="module")
def _modules() -> None:
    if why := published.missing():
        pytest.skip(why)


def of(kind: str) -> list[dict[str, Any]]:
    """Pushes that move the branch, or merge requests that bring commits."""
    found = [each for each in published.gitlab().values() if each.get("object_kind") == kind]
    if kind == "push":
        return [each for each in found if each["ref"] == "refs/heads/master"]
    attributes = [each["object_attributes"] for each in found]
    return [
        each
        for each, said in zip(found, attributes, strict=True)
        if said["action"] in ("open", "reopen") or "oldrev" in said
    ]


def test_what_starts_runs_and_what_does_not() -> None:
    starting = [*of("push"), *of("merge_request")]
    assert len(of("push")) >= 4
    assert {each["object_attributes"]["action"] for each in of("merge_request")} == {
        "open",
        "reopen",
        "update",
    }
    for name, payload in published.gitlab().items():
        assert len(runs(payload, by_gitlab(published.gitlab_event(payload)))) == (
            payload in starting
        ), name


def test_a_push_says_what_to_clone_compare_and_tell() -> None:
    for payload in of("push"):
        (run,) = runs(payload, _PUSH)
        assert not is_without_secrets(run)
        assert run["repo-url"] == payload["project"]["git_http_url"]
        assert (run["revision"], run["before"]) == (payload["after"], payload["before"])
        assert (run["register"], run["pull-request"]) == ("true", "")
        assert run["forge"] == f"gitlab:{payload['project']['web_url']}"


def test_a_merge_request_is_judged_and_registers_nothing() -> None:
    for payload in of("merge_request"):
        said = payload["object_attributes"]
        (run,) = runs(payload, _MERGE)
        assert not is_without_secrets(run)
        assert run["repo-url"] == payload["project"]["git_http_url"]
        assert (run["revision"], run["before"]) == (said["last_commit"]["id"], "origin/master")
        assert (run["register"], run["pull-request"]) == ("false", str(said["iid"]))
        assert run["forge"] == f"gitlab:{payload['project']['web_url']}"


def test_a_merge_request_of_a_fork_sees_no_secret() -> None:
    for payload in of("merge_request"):
        said = payload["object_attributes"]
        said["source_project_id"] = said["target_project_id"] + 1
        said["source"]["git_http_url"] = "https://example.org/other.git"
        (run,) = runs(payload, _MERGE)
        assert is_without_secrets(run)
        assert run["repo-url"] == "https://example.org/other.git"
        assert run["revision"] == said["last_commit"]["id"]


def test_a_branch_that_is_deleted_starts_nothing() -> None:
    payload = published.gitlab()["gitlab-scm/branch_delete"]
    assert payload["after"] == _NOBODY
    assert runs({**payload, "ref": "refs/heads/master"}, _PUSH) == []


def test_another_branch_starts_nothing() -> None:
    for kind, proof in (("push", _PUSH), ("merge_request", _MERGE)):
        for payload in of(kind):
            assert runs(payload, proof, "['refs/heads/main']") == []


def test_who_asks_to_skip_is_heard() -> None:
    for payload in of("merge_request"):
        payload["object_attributes"]["title"] += " [skip mltk]"
        assert runs(payload, _MERGE) == []
    for payload in of("push"):
        payload["commits"] = [{"id": payload["after"], "message": "typo [skip mltk]"}]
        assert runs(payload, _PUSH) == []


def test_who_does_not_know_the_token_starts_nothing() -> None:
    for kind, proof in (("push", _PUSH), ("merge_request", _MERGE)):
        for payload in of(kind):
            assert runs(payload, forged(proof)) == []
