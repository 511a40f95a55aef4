"""Interceptor ``github``: event types, the signature, changed files and owners.

What it asks GitHub's API is asked by its caller, by way of `Connect`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mltk.tekton.triggers.interceptors import payloads
from mltk.tekton.triggers.interceptors.owners import Connect, GitHub, check_owners
from mltk.tekton.triggers.interceptors.parameters import (
    BOOL,
    SECRET_REF,
    STRINGS,
    Scalar,
    Struct,
    params,
)
from mltk.tekton.triggers.interceptors.protocol import (
    Code,
    Refusal,
    Request,
    Response,
    Secrets,
    first_value,
    secret_value,
)
from mltk.tekton.triggers.interceptors.slack import FORM
from mltk.tekton.triggers.interceptors.webhooks import check_event, check_signature, proof

_CHANGED_FILES = Struct(
    "github", "AddChangedFiles", {"enabled": BOOL, "personalAccessToken": SECRET_REF}
)
_OWNERS = Struct(
    "github",
    "Owners",
    {
        "enabled": BOOL,
        "personalAccessToken": SECRET_REF,
        "checkType": Scalar(str, "github.CheckType"),
    },
)


def process(request: Request, secrets: Secrets, connect: Connect) -> Response:
    """Let through an allowed and signed event, with its changed files; raises Refusal else.

    Where both are asked for, Tekton adds changed files and does not look at the owners.
    """
    if first_value(request.header, "Content-Type") == FORM:
        message = (
            "form parameter encoding not supported, please change the hook to send JSON payloads"
        )
        raise Refusal(Code.INVALID_ARGUMENT, message)
    given = params(
        request.params,
        "github",
        secretRef=SECRET_REF,
        eventTypes=STRINGS,
        addChangedFiles=_CHANGED_FILES,
        githubOwners=_OWNERS,
    )
    event = first_value(request.header, "X-Github-Event")
    check_event(given, event)
    header, missing = "X-Hub-Signature-256", Code.FAILED_PRECONDITION
    check_signature(proof(given, "github", header, missing, request, secrets), request.body)
    if (files := given.get("addChangedFiles") or {}).get("enabled"):
        return _with_changed_files(files, event, request, secrets, connect)
    if (owners := given.get("githubOwners") or {}).get("enabled"):
        _check_owners(owners, event, request, secrets, connect)
    return Response(True)


def _with_changed_files(
    files: Mapping[str, Any], event: str, request: Request, secrets: Secrets, connect: Connect
) -> Response:
    if event not in (payloads.PULL_REQUEST, payloads.PUSH):
        return Response(True)
    token = _token(files, "githubToken", "error getting secret", request, secrets)
    changed = _or_refuse("error parsing body", lambda: _payload(request.body, event))
    if event == payloads.PUSH:
        found = payloads.pushed_files(changed)
    else:
        found = _or_refuse(
            "error getting changed files",
            lambda: _asked(request, token, connect).changed_files(
                payloads.repository(changed), payloads.pull_request_number(changed)
            ),
        )
    return Response(True, {"changed_files": ",".join(found)})


def _payload(body: str, event: str) -> dict[str, Any]:
    """The body, all of it looked at: what is missing in it is missing for every event."""
    found = payloads.payload(body, "body is empty")
    if "number" in found or event == payloads.PULL_REQUEST:
        payloads.pull_request_number(found)
    payloads.repository(found)
    payloads.pushed_files(found)
    return found


def _check_owners(
    owners: Mapping[str, Any], event: str, request: Request, secrets: Secrets, connect: Connect
) -> None:
    if event not in (payloads.PULL_REQUEST, payloads.COMMENT):
        return
    kind = owners.get("checkType", "")
    token = _token(owners, "personalAccessToken", "error getting github token", request, secrets)
    if not token and kind != "none":
        message = (
            "checkType is set to check org or repo members but no personalAccessToken was supplied"
        )
        raise Refusal(Code.FAILED_PRECONDITION, message)
    failure = "error checking owner verification"
    github = _or_refuse(failure, lambda: _asked(request, token, connect))
    body = _or_refuse(
        "error parsing body", lambda: payloads.payload(request.body, "payload body is empty")
    )
    submission = _or_refuse("error parsing body", lambda: payloads.submission(body, event))
    allowed = _or_refuse(
        failure,
        lambda: check_owners(github, submission, kind, pull_request=event == payloads.PULL_REQUEST),
    )
    if not allowed:
        raise Refusal(Code.FAILED_PRECONDITION, "owners check requirements not met")


def _asked(request: Request, token: str, connect: Connect) -> GitHub:
    return connect(first_value(request.header, "X-Github-Enterprise-Host"), token)


def _token(
    given: Mapping[str, Any], name: str, failure: str, request: Request, secrets: Secrets
) -> str:
    if (ref := given.get("personalAccessToken")) is None:
        return ""
    if not ref.get("secretKey"):
        message = f"{failure}: github interceptor {name}.secretKey is empty"
        raise Refusal(Code.FAILED_PRECONDITION, message)
    try:
        return secret_value(secrets, request.namespace, ref).decode("utf-8", "replace")
    except LookupError as error:
        raise Refusal(Code.FAILED_PRECONDITION, f"{failure}: {error.args[0]}") from None


def _or_refuse(failure: str, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ValueError as error:
        raise Refusal(Code.FAILED_PRECONDITION, f"{failure}: {error}") from None
