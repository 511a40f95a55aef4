"""Interceptor ``bitbucket``: event types and the signature of Bitbucket, server and cloud."""

from __future__ import annotations

from mltk.tekton.triggers.interceptors.parameters import SECRET_REF, STRINGS, params
from mltk.tekton.triggers.interceptors.protocol import Code, Refusal, Request, Response, Secrets
from mltk.tekton.triggers.interceptors.signatures import validate
from mltk.tekton.triggers.interceptors.webhooks import check_event, check_key, required, secret


def process(request: Request, secrets: Secrets) -> Response:
    """Let through an allowed event with the right ``X-Hub-Signature``; raises Refusal else."""
    given = params(request.params, "bitbucket", secretRef=SECRET_REF, eventTypes=STRINGS)
    # Of all headers only this one is not found in another spelling.
    lines = request.header.get("X-Event-Key")
    check_event(given, lines[0] if lines else "")
    if (ref := given.get("secretRef")) is not None:
        check_key("bitbucket", ref)
        signature = required(request, "X-Hub-Signature", Code.INVALID_ARGUMENT)
        key = secret(secrets, request, ref)
        try:
            validate(signature, request.body, key)
        except ValueError as error:
            message = f"error validating signature: {error}"
            raise Refusal(Code.FAILED_PRECONDITION, message) from None
    return Response(True)
