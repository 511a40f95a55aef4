"""That what is published of an API finds what is wrong with a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from mltk.errors import ConfigError
from mltk.forges.calls import Calls
from mltk.forges.forge import CommitStatus
from mltk.forges.opening import open_forge
from tests import octokit
from tests.func.forges.conftest import SHA, TOKEN, Host
from tests.func.forges.published import Asked, Published
from tests.published import missing

_GITHUB = "/repos/team/wine"
_GITLAB = "/projects/team%2Fml%2Fwine"
_BITBUCKET = "/projects/TEAM/repos/wine"
_STATUS = {"state": "success", "context": "mltk/wine", "description": "passed"}


def test_what_is_published_is_here() -> None:
    if why := octokit.missing() or missing():
        pytest.skip(f"requests to git hosts are not checked: {why}")


@pytest.mark.parametrize(
    ("kind", "method", "target", "body", "wrong"),
    [
        ("github", "POST", f"{_GITHUB}/statuses/{SHA}", {"state": "failed"}, "'failed' is not one"),
        ("github", "POST", f"{_GITHUB}/statuses/{SHA}", {"context": "a"}, "'state' is a required"),
        (
            "github",
            "POST",
            f"{_GITHUB}/statuses/{SHA}",
            {**_STATUS, "name": ""},
            "name is no field",
        ),
        ("github", "POST", f"{_GITHUB}/statuses/{SHA}", {**_STATUS, "context": 1}, "not of type"),
        ("github", "POST", f"{_GITHUB}/status/{SHA}", _STATUS, "there is no POST"),
        ("github", "POST", f"{_GITHUB}/issues/7/comments", None, "a body is missing"),
        ("github", "POST", f"{_GITHUB}/issues/x/comments", {"body": ""}, "not of type 'integer'"),
        ("github", "GET", f"{_GITHUB}/issues/7/comments?limit=9", None, "limit is no parameter"),
        ("github", "GET", f"{_GITHUB}/issues/7/comments?page=x", None, "page: 'x' is not of type"),
        ("github", "PUT", f"{_GITHUB}/issues/comments/3", {"body": ""}, "there is no PUT"),
        ("github", "DELETE", f"{_GITHUB}/issues/comments/3", {"body": ""}, "it takes no body"),
        ("gitlab", "POST", f"{_GITLAB}/statuses/{SHA}", {"state": "failure"}, "the value"),
        ("gitlab", "POST", f"{_GITLAB}/statuses/{SHA}", {"state": "failed", "key": ""}, "unknown"),
        ("gitlab", "POST", "/projects/team/ml/wine/statuses/1", {"state": "failed"}, "has no POST"),
        ("gitlab", "POST", f"{_GITLAB}/merge_requests/7/notes", {"text": ""}, "unknown field"),
        ("gitlab", "PATCH", f"{_GITLAB}/merge_requests/7/notes/3", {"body": ""}, "has no PATCH"),
        ("gitlab", "GET", f"{_GITLAB}/merge_requests/7/notes?sort=up", None, "is no parameter"),
        ("gitlab", "GET", f"{_GITLAB}/merge_requests/7/notes?per_page=999", None, "out of bounds"),
        ("bitbucket", "POST", f"{_BITBUCKET}/pull-requests/7/comments", {"body": ""}, "unknown"),
        ("bitbucket", "PUT", f"{_BITBUCKET}/pull-requests/7/comments/3", {"text": ""}, "version"),
        ("bitbucket", "DELETE", f"{_BITBUCKET}/pull-requests/7/comments/3", None, "query"),
        ("bitbucket", "POST", f"{_BITBUCKET}/commits/{SHA}/builds", {"state": "FAILED"}, "fields"),
    ],
)
def test_a_wrong_request_is_told(
    kind: str, method: str, target: str, body: Any, wrong: str, published: Mapping[str, Published]
) -> None:
    if kind not in published:
        pytest.skip(octokit.missing() or missing())
    assert wrong in published[kind].wrong(Asked.at(method, target, body))


def test_a_request_that_github_would_refuse_is_refused_here(host: Host) -> None:
    if why := octokit.missing():
        pytest.skip(why)
    forge = open_forge(f"github:{host.url}/team/wine", {"MLTK_FORGE_TOKEN": TOKEN})
    assert forge is not None
    odd = dataclasses.replace(CommitStatus("a", "success", "b"), state="failed")  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match=r"refuses the request \(422\): body: 'failed' is not one"
    ):
        forge.set_status(SHA, odd)
    assert len(host.wrong) == 1
    host.wrong.clear()


def test_answers_are_those_that_github_gives_as_examples(host: Host) -> None:
    if why := octokit.missing():
        pytest.skip(why)
    host.comments = {3: "of somebody"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    (found,) = Calls(host.url, headers, "").pages("/repos/team/wine/issues/7/comments")
    assert found["body"] == "of somebody"
    assert found["user"]["login"] == "octocat"
