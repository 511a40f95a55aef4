"""Interceptor ``cel``: a filter that has to be true, and overlays, which become extensions."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.cel import library, plain_compilation, plain_evaluation
from mltk.tekton.celjson import to_json
from mltk.tekton.triggers.celfunctions import RANGE, bound, extension
from mltk.tekton.triggers.interceptors.parameters import STRING, List, Struct, params
from mltk.tekton.triggers.interceptors.protocol import (
    Code,
    Refusal,
    Request,
    Response,
    Secrets,
    secret_value,
)
from mltk.tekton.triggers.overlays import put

_OVERLAYS = List(Struct("cel", "Overlay", {"key": STRING, "expression": STRING}))
# cel-go's extensions that Tekton takes, as the library has them.
_CONFIG = "name: triggers\nextensions:\n" + "".join(
    f"- name: {name}\n" for name in ("strings", "encoders", "sets", "lists", "math")
)
_RANGE = re.compile(
    r"""(//[^\n]*|[rR]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|\blists\.range\b""",
    re.DOTALL,
)
_NO_BYTES = {
    "NULL": "type conversion error from 'null_type' to '[]uint8'",
    "UINT": "unsupported type conversion from 'uint' to []uint8",
    "TIMESTAMP": "type conversion error from 'Timestamp' to '[]uint8'",
    "DURATION": "type conversion error from 'Duration' to '[]uint8'",
}


def process(request: Request, secrets: Secrets) -> Response:
    """Let through an event for which the filter is true, with its overlays; raises Refusal else."""
    given = params(request.params, "cel", filter=STRING, overlays=_OVERLAYS)
    evaluation = _Evaluation(request, secrets)
    if expression := given.get("filter"):
        found = evaluation.value(expression)
        if found.type().name() != "BOOL" or found.value() is not True:
            message = f"expression {expression} did not return true"
            raise Refusal(Code.FAILED_PRECONDITION, message)
    overlays = given.get("overlays") or []
    added: dict[str, Any] = {}
    for overlay in overlays:
        found = _json(evaluation.value(overlay.get("expression", "")))
        key = overlay.get("key", "")
        try:
            put(added, key, found)
        except ValueError as error:
            shown = gojson.shown(found)
            message = f"failed to sjson for key '{key}' to '{shown}': {error}"
            raise Refusal(Code.INTERNAL, message) from None
    return Response(True, added if overlays else None)


def check(expression: str) -> None:
    """Raise Refusal, with the place of the fault, for an expression that does not compile."""
    _compiled(expression)


class _Evaluation:
    """The evaluation of expressions over one request."""

    def __init__(self, request: Request, secrets: Secrets) -> None:
        self._data = {
            "body": _body(request.body),
            "header": {name: list(lines) for name, lines in request.header.items()},
            "extensions": dict(request.extensions),
            "requestURL": request.event_url,
        }
        self._functions = bound(
            library(), lambda ref: secret_value(secrets, request.namespace, ref)
        )

    def value(self, expression: str) -> Any:
        """What `expression` comes to; raises Refusal where it does not."""
        failed = f"expression {gojson.quoted(expression)} failed to evaluate"
        try:
            found = _compiled(expression).eval(data=self._data, functions=self._functions)
        except RuntimeError as error:
            raise _failed(f"{failed}: {plain_evaluation(str(error))}") from None
        if found.type().name() == "ERROR":
            raise _failed(f"{failed}: {plain_evaluation(str(found.value()))}")
        return found


def _body(text: str) -> dict[str, Any]:
    failed = "error making the evaluation context: failed to parse the body as JSON"
    try:
        return gojson.decode_object(text.encode(), "it is not an object") if text else {}
    except ValueError as error:
        raise Refusal(Code.INVALID_ARGUMENT, f"{failed}: {error}") from None


def _json(found: Any) -> Any:
    try:
        if why := _NO_BYTES.get(found.type().name()):
            raise ValueError(why)
        return to_json(found.plain_value())
    except ValueError as error:
        message = f"failed to convert overlay result to type: {error}"
        raise Refusal(Code.INTERNAL, message) from None


def _failed(message: str) -> Refusal:
    return Refusal(Code.INVALID_ARGUMENT, f"error evaluating cel expression: {message}")


@cache
def _environment() -> Any:
    cel = library()
    objects = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    names = dict.fromkeys(("body", "header", "extensions"), objects)
    return cel.NewEnv(
        variables=names | {"requestURL": cel.Type.STRING},
        config=cel.NewEnvConfigFromYaml(_CONFIG),
        extensions=[extension(cel)],
    )


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    meant = _RANGE.sub(lambda found: found[1] or RANGE, expression)
    try:
        return _environment().compile(meant)
    except RuntimeError as error:
        said, shown = plain_compilation(str(error)), gojson.quoted(expression)
        said = said.replace(RANGE, "lists.range")
        if _parses(meant):
            raise _failed(f"expression {shown} check failed: {said}") from None
        raise _failed(f"failed to parse expression {shown}: {said}") from None


def _parses(expression: str) -> bool:
    try:
        _environment().compile(expression, disable_check=True)
    except RuntimeError:
        return False
    return True
