"""Interceptor ``bitbucket``: event types and the signature of Bitbucket, server and cloud."""

from __future__ import annotations

from mltk.tekton.triggers.interceptors.parameters import SECRET_REF, STRINGS, params
from mltk.tekton.triggers.interceptors.protocol import Code, Request, Response, Secrets
from mltk.tekton.triggers.interceptors.webhooks import check_event, check_signature, proof


def process(request: Request, secrets: Secrets) -> Response:
    """Let through an allowed event with the right ``X-Hub-Signature``; raises Refusal else."""
    given = params(request.params, "bitbucket", secretRef=SECRET_REF, eventTypes=STRINGS)
    # Of all headers only this one is not found in another spelling.
    lines = request.header.get("X-Event-Key")
    check_event(given, lines[0] if lines else "")
    header, missing = "X-Hub-Signature", Code.INVALID_ARGUMENT
    found = proof(given, "bitbucket", header, missing, request, secrets)
    check_signature(found, request.body, "error validating signature: ")
    return Response(True)
