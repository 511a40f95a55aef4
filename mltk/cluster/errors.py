"""What an API server refuses, as errors of mltk. Pure: a table from answers to words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltk.cluster.call import Call
from mltk.errors import AdmissionError, Conflict, InfrastructureError, MltkError, NotFound

TEKTON_VERSION = "v1.15.0"  # what the manifests are tested with
FIELD_MANAGER = "mltk"

_INSTALL_TEKTON = (
    "Install Tekton Pipelines: `kubectl apply -f https://infra.tekton.dev/tekton-releases/"
    f"pipeline/previous/{TEKTON_VERSION}/release.yaml`"
)
_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"'
    r' in API group "(?P<group>[^"]*)"'
)
_WEBHOOK = re.compile(r'^admission webhook "[^"]*" denied the request: (?:validation failed: )?')
# Answers of 500 that are about what stands behind the API server.
_UNREACHED_WEBHOOK = "failed calling webhook"
_UNREACHED_KUBELET = ("dial tcp", "error dialing backend", "tls: ", "EOF")
_MANAGER = re.compile(r'conflict with "(?P<manager>[^"]*)"')
# Knative's errors, which Tekton's are, end with the paths that they are about.
_PATHS = re.compile(r"^(?P<what>.+?): (?P<path>[a-z][\w-]*[.\[][^\s:]*(?:, [a-z][\w.\[\]-]*)*)$")
_STRICT = re.compile(r'unknown field "(?P<path>[^"]*)"')
_ANONYMOUS = "system:anonymous"


class Unreachable(InfrastructureError):
    """The server did not answer, or said that it cannot now: the same may work a little later."""


class Broken(Unreachable):
    """The connection ended before the answer did."""


class Expired(InfrastructureError):
    """The server has forgotten the resourceVersion that a watch or a list goes on from."""


class Stale(Conflict):
    """The object is not any more as the writer had read it."""


class FieldsOwned(Conflict):
    """Fields that an apply would change belong to `managers`."""

    def __init__(self, what: str, managers: Sequence[str], *, where: str, hint: str) -> None:
        super().__init__(what, where=where, hint=hint)
        self.managers = managers


@dataclass(frozen=True)
class Refusal:
    """An answer of 400 or more; `status` is Kubernetes' Status, {} when it gave none."""

    call: Call
    code: int
    status: Mapping[str, Any]
    text: str

    @classmethod
    def read(cls, call: Call, code: int, body: bytes) -> Refusal:
        """The refusal that a body stands for."""
        text = body.decode("utf-8", errors="replace").strip()
        try:
            status = json.loads(text)
        except ValueError:
            status = None
        status = status if isinstance(status, dict) and status.get("kind") == "Status" else {}
        return cls(call, code, status, str(status.get("message") or text or "no reason given"))

    @property
    def details(self) -> Mapping[str, Any]:
        """What it is about: name, kind and causes."""
        return self.status.get("details") or {}

    @property
    def causes(self) -> Sequence[Mapping[str, Any]]:
        """One entry for each field that is at fault."""
        return self.details.get("causes") or ()

    def has_cause(self, reason: str) -> bool:
        """Whether one of the causes is of that kind."""
        return any(cause.get("reason") == reason for cause in self.causes)


def error_of(refusal: Refusal) -> MltkError:
    """The error that says what was refused, where, and what comes next."""
    return next(say(refusal) for applies, say in _RULES if applies(refusal))


def _unauthenticated(refusal: Refusal) -> MltkError:
    return InfrastructureError(
        "the cluster does not know who you are: the credentials are missing, wrong or expired",
        where=refusal.call.resource,
        hint="Log in to the cluster again; `kubectl auth whoami` tells when it worked.",
    )


def _over_quota(refusal: Refusal) -> MltkError:
    namespace = refusal.call.namespace
    said = refusal.text[refusal.text.index("exceeded quota") :]
    return InfrastructureError(
        f"namespace '{namespace}' has no room for it: {said}",
        where=refusal.call.address,
        hint="Wait until runs have ended, or delete some;"
        f" `kubectl describe quota -n {namespace}` shows what is taken.",
    )


def _terminating(refusal: Refusal) -> MltkError:
    return InfrastructureError(
        f"{refusal.call.place} is being deleted",
        where=refusal.call.address,
        hint="Use another namespace (-n), or make it again when it is gone.",
    )


def _forbidden(refusal: Refusal) -> MltkError:
    call = refusal.call
    found = _FORBIDDEN.search(refusal.text)
    if found is None:
        return InfrastructureError(refusal.text, where=call.address)
    if found["user"] == _ANONYMOUS:
        return _unauthenticated(refusal)
    group = found["group"]
    plain, slash, sub = found["resource"].partition("/")
    resource = f"{plain}.{group}{slash}{sub}" if group else found["resource"]
    scope = f"-n {call.namespace}" if call.namespace else "--all-namespaces"
    return InfrastructureError(
        f"user '{found['user']}' may not {found['verb']} {resource} in {call.place}",
        hint=f"Ask for a Role that allows it: verb {found['verb']}, resource"
        f" {found['resource']}, API group '{group}'."
        f" `kubectl auth can-i {found['verb']} {resource} {scope}` tells when you have it.",
    )


def _not_served(refusal: Refusal) -> MltkError:
    call = refusal.call
    if call.group == "tekton.dev":
        return InfrastructureError(
            f"the cluster has no {call.kind.kind}s of {call.kind.api_version}:"
            " Tekton Pipelines is not installed",
            hint=_INSTALL_TEKTON,
        )
    return InfrastructureError(
        f"what answers there is not Kubernetes' API: {refusal.text}",
        where=call.path,
        hint="Compare the server's address with `kubectl config view --minify`.",
    )


def _no_namespace(refusal: Refusal) -> MltkError:
    name = refusal.details.get("name") or refusal.call.namespace
    return NotFound(
        f"there is no namespace '{name}'", hint=f"`kubectl create namespace {name}` makes it."
    )


def _not_found(refusal: Refusal) -> MltkError:
    call = refusal.call
    return NotFound(
        f"there is no {call.kind.kind} '{call.name}' in {call.place}",
        hint=f"`mltk get {call.kind.plural}` lists what there is.",
    )


def _exists(refusal: Refusal) -> MltkError:
    call = refusal.call
    name = refusal.details.get("name") or call.name
    return Conflict(f"{call.kind.kind} '{name}' exists already in {call.place}")


def _owned(refusal: Refusal) -> MltkError:
    call = refusal.call
    managers = _managers(refusal)
    fields = ", ".join(str(cause.get("field", "")).lstrip(".") for cause in refusal.causes)
    if any("helm" in manager for manager in managers):
        hint = "It belongs to a Helm release: change the values and type `helm upgrade`."
    else:
        hint = (
            "To take it over: `kubectl apply --server-side --force-conflicts"
            f" --field-manager={FIELD_MANAGER} -n {call.namespace} -f FILE`."
        )
    return FieldsOwned(
        f"{' and '.join(managers)} set {fields} of {call.kind.kind} '{call.name}'",
        managers,
        where=call.place,
        hint=hint,
    )


def _managers(refusal: Refusal) -> list[str]:
    """Who owns the fields that an apply wanted to change."""
    found = [_MANAGER.search(str(cause.get("message", ""))) for cause in refusal.causes]
    return sorted({match["manager"] for match in found if match}) or ["another manager"]


def _stale(refusal: Refusal) -> MltkError:
    call = refusal.call
    return Stale(
        f"{call.kind.kind} '{call.name}' was changed meanwhile",
        hint="Read it again, apply your change and repeat.",
    )


def _expired(refusal: Refusal) -> MltkError:
    return Expired(refusal.text, where=refusal.call.resource, hint="Type the command again.")


def _inadmissible(refusal: Refusal) -> MltkError:
    problems = list(_problems(refusal))
    (what, path), others = problems[0], problems[1:]
    also = "\n  ".join(f"{path}: {what}" if path else what for what, path in others)
    address = refusal.call.address
    return AdmissionError(
        what,
        where=f"{address}: {path}" if path else address,
        hint=f"Also:\n  {also}" if also else None,
    )


def _problems(refusal: Refusal) -> Sequence[tuple[str, str]]:
    """What is wrong, with the path of it where one is told."""
    if unknown := _STRICT.findall(refusal.text):
        return [(f"unknown field '{path.rpartition('.')[2]}'", path) for path in unknown]
    by_field = [
        (str(cause.get("message", "")), str(cause["field"]))
        for cause in refusal.causes
        if cause.get("field")
    ]
    if by_field:
        return by_field
    lines = _WEBHOOK.sub("", refusal.text).splitlines()
    return [
        (found["what"], found["path"]) if (found := _PATHS.match(line)) else (line, "")
        for line in lines
    ]


def _too_large(refusal: Refusal) -> MltkError:
    return AdmissionError(
        "is larger than the cluster takes (1.5 MB)",
        where=refusal.call.address,
        hint="Keep data in a volume or in DVC, and only a reference to it in the object.",
    )


def _webhook_down(refusal: Refusal) -> MltkError:
    return Unreachable(
        f"an admission webhook does not answer: {refusal.text}",
        where=refusal.call.address,
        hint="For Tekton's: `kubectl get pods -n tekton-pipelines` shows whether it runs.",
    )


def _no_node(refusal: Refusal) -> MltkError:
    return Unreachable(
        f"the node does not answer: {refusal.text}",
        where=refusal.call.address,
        hint="`kubectl get nodes` shows whether it is ready.",
    )


def _overloaded(refusal: Refusal) -> MltkError:
    return Unreachable(
        f"the API server cannot answer now ({refusal.code}): {refusal.text}",
        where=refusal.call.resource,
        hint="Try again in a while; `kubectl get --raw /readyz` tells when it is ready.",
    )


def _other(refusal: Refusal) -> MltkError:
    return InfrastructureError(
        f"the API server answered {refusal.code}: {refusal.text}", where=refusal.call.address
    )


def _code(*codes: int) -> Callable[[Refusal], bool]:
    return lambda refusal: refusal.code in codes


_Rule = tuple[Callable[[Refusal], bool], Callable[[Refusal], MltkError]]

# The first that applies; the order matters within a code.
_RULES: tuple[_Rule, ...] = (
    (_code(401), _unauthenticated),
    (lambda it: it.code == 403 and "exceeded quota" in it.text, _over_quota),
    (lambda it: it.code == 403 and it.has_cause("NamespaceTerminating"), _terminating),
    (_code(403), _forbidden),
    (lambda it: it.code == 404 and it.details.get("kind") == "namespaces", _no_namespace),
    (lambda it: it.code == 404 and not it.details.get("name"), _not_served),
    (_code(404), _not_found),
    (lambda it: it.code == 409 and it.status.get("reason") == "AlreadyExists", _exists),
    (lambda it: it.code == 409 and it.has_cause("FieldManagerConflict"), _owned),
    (_code(409), _stale),
    (_code(410), _expired),
    (_code(400, 422), _inadmissible),
    (_code(413), _too_large),
    (lambda it: it.code == 500 and _UNREACHED_WEBHOOK in it.text, _webhook_down),
    (lambda it: it.code == 500 and any(sign in it.text for sign in _UNREACHED_KUBELET), _no_node),
    (_code(429, 502, 503, 504), _overloaded),
    (lambda _: True, _other),
)
