"""Which objects a request is about: labelSelector and fieldSelector."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mltk.apiserver.request import Request, Target
from mltk.apiserver.statuses import bad_request
from mltk.errors import UsageError
from mltk.tekton.selectors import Test, matcher

_TERM = re.compile(r"\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*")
_OF_ALL = ("metadata.name", "metadata.namespace")
# As Kubernetes has them (``pkg/apis/core/v1/conversion.go``).
_FIELDS = {
    "Event": (
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ),
    "Pod": (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName",
    ),
    "Secret": ("type",),
    "Namespace": ("status.phase",),
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """One condition of a fieldSelector."""

    path: str
    equal: bool
    value: str

    def holds(self, obj: Any) -> bool:
        """Whether an object meets it."""
        found = obj
        for part in self.path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        text = "" if found is None else str(found)
        return (text == self.value) == self.equal


@dataclass(frozen=True)
class Selection:
    """`namespace` and `name` narrow the search, the rest is asked of each object."""

    namespace: str
    name: str
    labels: Test
    terms: Sequence[Term]
    selective: bool

    def matches(self, labels: str, text: str) -> bool:
        """Whether an object with these labels and this text, both JSON, is meant."""
        if not self.selective:
            return True
        if not self.labels(json.loads(labels)):
            return False
        return not self.terms or all(map(_test(json.loads(text)), self.terms))


def _test(obj: Any) -> Any:
    return lambda term: term.holds(obj)


def selection(request: Request, target: Target) -> Selection:
    """The selection that a request of a collection, or of one object, makes."""
    terms = _terms(request.query.get("fieldSelector", ""), target)
    name, namespace, others = target.name, target.namespace, []
    for term in terms:
        if term.equal and term.path == "metadata.name" and name in ("", term.value):
            name = term.value
        elif term.equal and term.path == "metadata.namespace" and namespace in ("", term.value):
            namespace = term.value
        else:
            others.append(term)
    text = request.query.get("labelSelector", "")
    try:
        labels = matcher(text)
    except UsageError as error:
        raise bad_request(f"unable to parse requirement: {error.what}") from None
    return Selection(namespace, name, labels, others, bool(others or text))


def _terms(text: str, target: Target) -> list[Term]:
    known = (*_OF_ALL, *_FIELDS.get(target.resource.kind.kind, ()))
    found = []
    for part in filter(None, text.split(",")):
        match = _TERM.fullmatch(part)
        if match is None:
            raise bad_request(f"invalid field selector: {part[:80]!r}")
        path, operator, value = match.groups()
        if path not in known:
            raise bad_request(f"field label not supported: {path}")
        found.append(Term(path, operator != "!=", value))
    return found
