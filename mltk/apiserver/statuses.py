"""Refusals in Kubernetes' own words: a Status object for each.

Codes, reasons and messages: ``pkg/api/errors/errors.go`` of k8s.io/apimachinery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mltk.apiserver.resources import Resource
from mltk.errors import AdmissionError, Conflict, MltkError, NotFound, UsageError
from mltk.tekton.objects import Obj

# The name that Tekton's own installation gives its webhook, which people search for.
_WEBHOOK = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request'


class ApiError(Exception):
    """A request that is refused; `details` say what it is about."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = dict(details or {})

    def status(self) -> Obj:
        """The body of the answer."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def about(resource: Resource, name: str = "", **more: Any) -> Mapping[str, Any]:
    """The details of a refusal that is about an object."""
    said = {"name": name, "group": resource.group, "kind": resource.kind.plural, **more}
    return {key: value for key, value in said.items() if value}


def not_served() -> ApiError:
    """No such path."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_found(resource: Resource, name: str) -> ApiError:
    """No such object."""
    return ApiError(404, "NotFound", f'{resource.name} "{name}" not found', about(resource, name))


def exists(resource: Resource, name: str) -> ApiError:
    """An object of that name is there already."""
    message = f'{resource.name} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, about(resource, name))


def conflict(resource: Resource, name: str, why: str, causes: Sequence[Obj] = ()) -> ApiError:
    """The object is not any more as the writer thought."""
    message = f'Operation cannot be fulfilled on {resource.name} "{name}": {why}'
    return ApiError(409, "Conflict", message, about(resource, name, causes=list(causes)))


STALE = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def bad_request(message: str, details: Mapping[str, Any] | None = None) -> ApiError:
    """A request that makes no sense."""
    return ApiError(400, "BadRequest", message, details)


def invalid(resource: Resource, name: str, problems: Sequence[tuple[str, str]]) -> ApiError:
    """An object with fields that cannot be so: (path, what is wrong with it)."""
    kind = f"{resource.kind.kind}.{resource.group}" if resource.group else resource.kind.kind
    told = [f"{path}: {what}" for path, what in problems]
    whole = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    causes = [
        {"reason": "FieldValueInvalid", "message": what, "field": path} for path, what in problems
    ]
    details = {"name": name, "group": resource.group, "kind": resource.kind.kind, "causes": causes}
    details = {key: value for key, value in details.items() if value}
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {whole}', details)


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """What nobody may do."""
    message = f'{resource.name} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, about(resource, name))


def expired(message: str) -> ApiError:
    """The place in the history of changes is forgotten."""
    return ApiError(410, "Expired", message)


def not_allowed(method: str) -> ApiError:
    """A verb that the resource does not have."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {"causes": [{"message": method}]})


INTO_PODS = ("attach", "ephemeralcontainers", "exec", "portforward")
"""Ways into a pod that a cluster has."""


def no_way_in(resource: Resource, name: str, way: str) -> ApiError:
    """Nobody gets into a step that runs."""
    message = (
        f'{resource.name} "{name}": {way} is not served here; steps run on this machine,'
        " where their files and ports can be looked at, and their logs can be read"
    )
    return ApiError(405, "MethodNotAllowed", message, about(resource, name))


def unsupported(accepted: Sequence[str]) -> ApiError:
    """A body in a form that is not read."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return ApiError(415, "UnsupportedMediaType", message)


def of_error(error: MltkError, resource: Resource, name: str) -> ApiError:
    """The refusal that an error of the engine stands for."""
    if isinstance(error, AdmissionError):
        return _denied(error, resource, name)
    if isinstance(error, NotFound):
        return not_found(resource, name)
    if isinstance(error, Conflict):
        stale = "changed meanwhile" in error.what
        if stale:
            return conflict(resource, name, STALE)
        return (
            exists(resource, name)
            if "exists already" in error.what
            else conflict(resource, name, error.what)
        )
    if isinstance(error, UsageError):
        return bad_request(str(error))
    return ApiError(500, "InternalError", f"Internal error occurred: {error}")


def _denied(error: AdmissionError, resource: Resource, name: str) -> ApiError:
    """What admission says of the fields: as Tekton's webhook, or as Kubernetes itself."""
    problems = _problems(error)
    if not resource.custom or all(path.startswith("metadata") for path, _ in problems):
        return invalid(resource, name, problems)
    told = "\n".join(f"{what}: {path}" if path else what for path, what in problems)
    return bad_request(f"{_WEBHOOK}: validation failed: {told}")


def _problems(error: AdmissionError) -> list[tuple[str, str]]:
    """All problems that an error names: its own, and those that its hint adds."""
    path = (error.where or "").rpartition(": ")[2]
    found = [(path, error.what)]
    head, _, others = (error.hint or "").partition("\n")
    if head.startswith("Also:"):
        for line in others.splitlines():
            inner, colon, what = line.strip().partition(": ")
            found.append((inner, what) if colon else ("", line.strip()))
    return found
