"""The answers here are those of Tekton Triggers' own core interceptors, v0.37.

tests/parity_triggers asks them of many more requests.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest

from mltk.tekton.triggers.interceptors.core import Core
from mltk.tekton.triggers.interceptors.payloads import Repository
from mltk.tekton.triggers.interceptors.protocol import Code, Request, Response

SECRETS = {("ns", "git"): {"token": b"1234567"}}
REF = {"secretName": "git", "secretKey": "token"}
FORM = "application/x-www-form-urlencoded"


class GitHub:
    """A GitHub that knows one organization, one repository and one pull request."""

    def __init__(self, owners: str | None = None) -> None:
        self.owners = owners
        self.connected: list[tuple[str, str]] = []

    def connect(self, host: str, token: str) -> GitHub:
        self.connected.append((host, token))
        return self

    def changed_files(self, repository: Repository, number: int) -> Sequence[str]:
        if (repository, number) != (Repository("org", "repo"), 7):
            raise ValueError("404 Not Found")
        return ["a.py", "data/b.dvc"]

    def organization_members(self, owner: str) -> Sequence[str]:
        return ["member"] if owner == "org" else []

    def collaborators(self, repository: Repository) -> Sequence[str]:
        return ["writer"] if repository.name == "repo" else []

    def owners_file(self, repository: Repository) -> str | None:
        return self.owners if repository.name == "repo" else None


def say(
    name: str,
    body: Any = None,
    header: dict[str, str] | None = None,
    github: GitHub | None = None,
    **params: Any,
) -> Response:
    asked = Request(
        body=body if isinstance(body, str) else json.dumps(body),
        header={key: [value] for key, value in (header or {}).items()},
        params=params,
        trigger_id="namespaces/ns/triggers/t",
    )
    core = Core(
        lambda namespace, name: SECRETS.get((namespace, name)), (github or GitHub()).connect
    )
    return core.process(name, asked)


def signed(body: str, name: str = "X-Hub-Signature-256", kind: str = "sha256") -> dict[str, str]:
    return {name: f"{kind}={hmac.new(b'1234567', body.encode(), kind).hexdigest()}"}


@pytest.mark.parametrize(
    ("name", "header", "event"),
    [
        ("github", "X-GitHub-Event", "push"),
        ("gitlab", "X-Gitlab-Event", "Push Hook"),
        ("bitbucket", "X-Event-Key", "repo:push"),
    ],
)
def test_only_allowed_events_go_on(name: str, header: str, event: str) -> None:
    assert say(name, {}, {header: event}, eventTypes=[event]).goes_on
    assert say(name, {}, {header: "other"}, eventTypes=[event]) == Response(
        False, code=Code.FAILED_PRECONDITION, message="event type other is not allowed"
    )
    assert say(name, {}, {header: event}, eventTypes=[]).message.endswith("is not allowed")
    assert say(name, {}, {header: event}, eventTypes=None).goes_on


@pytest.mark.parametrize(
    ("name", "header", "kind"),
    [
        ("github", "X-Hub-Signature-256", "sha256"),
        ("github", "x-hub-signature-256", "sha512"),
        ("bitbucket", "X-Hub-Signature", "sha1"),
        ("bitbucket", "X-Hub-Signature", "sha256"),
    ],
)
def test_a_signature_is_that_of_the_very_body(name: str, header: str, kind: str) -> None:
    body = '{"a": "ü"}'
    assert say(name, body, signed(body, header, kind), secretRef=REF).goes_on
    assert "payload signature check failed" in (
        say(name, body + " ", signed(body, header, kind), secretRef=REF).message
    )


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("", "no X-Hub-Signature-256 header set"),
        ("sha256", 'error parsing signature "sha256"'),
        ("md5=00", 'unknown hash type prefix: "md5"'),
        ("sha256=0", 'error decoding signature "sha256=0": encoding/hex: odd length hex string'),
        (
            "sha256=0x",
            "error decoding signature \"sha256=0x\": encoding/hex: invalid byte: U+0078 'x'",
        ),
        ("sha256=00", "payload signature check failed"),
    ],
)
def test_what_is_no_signature_is_told(signature: str, message: str) -> None:
    answer = say("github", {}, {"X-Hub-Signature-256": signature}, secretRef=REF)

    assert (answer.goes_on, answer.message) == (False, message)


def test_gitlab_sends_the_token_itself() -> None:
    assert say("gitlab", {}, {"X-Gitlab-Token": "1234567"}, secretRef=REF).goes_on
    assert say("gitlab", {}, {"X-Gitlab-Token": "1234"}, secretRef=REF).message == (
        "Invalid X-GitLab-Token"
    )
    assert say("gitlab", {}, secretRef=REF).message == "no X-Gitlab-Token header set"


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ({"secretName": "git"}, "gitlab interceptor secretRef.secretKey is empty"),
        (REF | {"secretName": "no"}, 'error getting secret: secrets "no" not found'),
        (REF | {"secretKey": "no"}, "error getting secret: cannot find no key in secret ns/git"),
        (
            REF | {"secretKey": 5},
            "failed to parse interceptor params: invalid json: json: cannot unmarshal number into "
            "Go struct field SecretRef.secretRef.secretKey of type string",
        ),
        (
            [],
            "failed to parse interceptor params: invalid json: json: cannot unmarshal array into "
            "Go struct field InterceptorParams.secretRef of type v1beta1.SecretRef",
        ),
    ],
)
def test_a_secret_that_is_not_there_is_told(ref: Any, message: str) -> None:
    assert say("gitlab", {}, {"X-Gitlab-Token": "x"}, secretRef=ref).message == message


def test_github_sends_no_forms() -> None:
    assert say("github", "a=b", {"Content-Type": FORM}).code == Code.INVALID_ARGUMENT


def test_changed_files_of_a_push_are_in_its_payload() -> None:
    commit = {"added": ["new", "data/ü.dvc"], "modified": ["old"], "removed": ["gone"]}
    body = {"repository": {"full_name": "org/repo"}, "commits": [commit, commit]}

    answer = say("github", body, {"X-GitHub-Event": "push"}, addChangedFiles={"enabled": True})

    assert answer == Response(True, {"changed_files": ",".join(["new,data/ü.dvc,old,gone"] * 2)})


def test_changed_files_of_a_pull_request_are_asked_of_github() -> None:
    github = GitHub()
    header = {"X-GitHub-Event": "pull_request", "X-GitHub-Enterprise-Host": "git.firm"}
    files = {"enabled": True, "personalAccessToken": REF}

    def answer(number: int) -> Response:
        body = {"number": number, "repository": {"full_name": "org/repo"}}
        return say("github", body, header, github, addChangedFiles=files)

    assert answer(7) == Response(True, {"changed_files": "a.py,data/b.dvc"})
    assert answer(8).message == "error getting changed files: 404 Not Found"
    assert github.connected == [("git.firm", "1234567")] * 2


@pytest.mark.parametrize(
    ("kind", "sender", "comment", "allowed"),
    [
        ("orgMembers", "member", None, True),
        ("orgMembers", "writer", None, False),
        ("repoMembers", "writer", None, True),
        ("all", "writer", None, True),
        ("all", "APPROVER", None, True),
        ("none", "reviewer", None, True),
        ("none", "member", None, False),
        ("all", "member", "fine\n/ok-to-test\r\n", True),
        ("all", "stranger", "/ok-to-test", False),
        ("all", "member", "not /ok-to-test", False),
    ],
)
def test_owners_let_pull_requests_in(
    kind: str, sender: str, comment: str | None, *, allowed: bool
) -> None:
    body: dict[str, Any] = {"repository": {"full_name": "org/repo"}, "sender": {"login": sender}}
    if comment is None:
        event, body = "pull_request", body | {"number": 7}
    else:
        event, body = "issue_comment", body | {"issue": {"number": 7}, "comment": {"body": comment}}
    owners = {"enabled": True, "checkType": kind, "personalAccessToken": REF}
    github = GitHub("approvers: [approver]\nreviewers: [reviewer]\n")

    answer = say("github", body, {"X-GitHub-Event": event}, github, githubOwners=owners)

    assert answer.goes_on == allowed
    assert answer.message == ("" if allowed else "owners check requirements not met")


def test_an_owners_file_that_is_none_is_told() -> None:
    body = {"number": 7, "repository": {"full_name": "org/repo"}, "sender": {"login": "x"}}
    header = {"X-GitHub-Event": "pull_request"}
    owners = {"enabled": True, "checkType": "none"}

    def message(text: str) -> str:
        return say("github", body, header, GitHub(text), githubOwners=owners).message

    assert message("a: [").startswith("error checking owner verification: the file OWNERS is no")
    assert message("approvers: x").startswith("error checking owner verification: approvers")
    assert say("github", body, header, githubOwners=owners | {"checkType": "all"}).message == (
        "checkType is set to check org or repo members but no personalAccessToken was supplied"
    )


def test_slack_brings_fields_of_its_form() -> None:
    header = {"Content-Type": FORM, "X-Slack-Signature": "v0=any"}
    form = {"text": ["main"], "command": ["/build"]}

    assert say("slack", form, header, requestedFields=["text"]) == Response(
        True, {"text": ["main"]}
    )
    assert say("slack", form, header, requestedFields=["user"]).message == (
        "requested field does not exists in payload map[command:[/build] text:[main]]"
    )
    assert say("slack", form, header).message == "missing requested field definition"
    assert say("slack", form, {"Content-Type": FORM}).code == Code.INVALID_ARGUMENT
    assert say("slack", {"text": "main"}, header).message == (
        "failed to unmarshl slack payload: not an object of lists of strings"
    )
