"""Requests in the API's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mltk.tekton.kinds import Kind

POD = Kind("Pod", "pods", "pod", "po", "v1")
EVENT = Kind("Event", "events", "event", "ev", "v1")

METHODS: Mapping[str, str] = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "patch": "PATCH",
    "delete": "DELETE",
}


@dataclass(frozen=True)
class Call:
    """A verb on a resource, as a Role allows it: also what an error about it names.

    `namespace` None stands for all of them; `name` is empty for a collection, and the beginning of
    one for what is created under a generated name.
    """

    verb: str
    kind: Kind
    namespace: str | None = None
    name: str = ""
    subresource: str = ""

    @property
    def path(self) -> str:
        """The path below the server's address."""
        version = self.kind.api_version
        parts = ["apis" if "/" in version else "api", *version.split("/")]
        if self.namespace is not None and self.kind.namespaced:
            parts += ["namespaces", self.namespace]
        parts.append(self.kind.plural)
        name = "" if self.verb == "create" else self.name
        parts += [part for part in (name, self.subresource) if part]
        return "/" + "/".join(quote(part, safe="") for part in parts)

    @property
    def group(self) -> str:
        """The API group, empty for Kubernetes' core."""
        group, slash, _ = self.kind.api_version.partition("/")
        return group if slash else ""

    @property
    def resource(self) -> str:
        """The resource as `kubectl auth can-i` takes it: ``pods/log``, ``taskruns.tekton.dev``."""
        name = f"{self.kind.plural}.{self.group}" if self.group else self.kind.plural
        return f"{name}/{self.subresource}" if self.subresource else name

    @property
    def address(self) -> str:
        """``kind/name`` in lower case, the kind alone for a collection."""
        kind = self.kind.singular
        return f"{kind}/{self.name}" if self.name else kind

    @property
    def place(self) -> str:
        """Where it asks, in words."""
        return f"namespace '{self.namespace}'" if self.namespace else "all namespaces"
