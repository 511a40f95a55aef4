"""Interceptor ``gitlab``: event types and the token that GitLab sends."""

from __future__ import annotations

import hmac

from mltk.tekton.triggers.interceptors.parameters import SECRET_REF, STRINGS, params
from mltk.tekton.triggers.interceptors.protocol import (
    Code,
    Refusal,
    Request,
    Response,
    Secrets,
    first_value,
)
from mltk.tekton.triggers.interceptors.webhooks import check_event, proof


def process(request: Request, secrets: Secrets) -> Response:
    """Let through an allowed event with the right ``X-Gitlab-Token``; raises Refusal else."""
    given = params(request.params, "gitlab", secretRef=SECRET_REF, eventTypes=STRINGS)
    check_event(given, first_value(request.header, "X-Gitlab-Event"))
    header, missing = "X-Gitlab-Token", Code.INVALID_ARGUMENT
    if found := proof(given, "gitlab", header, missing, request, secrets):
        token, key = found
        if not hmac.compare_digest(token.encode(), key):
            raise Refusal(Code.INVALID_ARGUMENT, "Invalid X-GitLab-Token")
    return Response(True)
