"""All objects of a kind, in pages."""

from __future__ import annotations

from collections.abc import Mapping

from mltk.cluster.call import Call
from mltk.cluster.errors import Expired
from mltk.cluster.server import Server
from mltk.tekton.api import Labels
from mltk.tekton.objects import Obj
from mltk.tekton.selectors import matcher

_PAGE = "500"


def selection(labels: str | Labels | None, name: str | None = None) -> dict[str, str]:
    """The query for objects with these labels and this name.

    Raises UsageError for text that is not a selector.
    """
    matcher(labels)
    query = {}
    if labels:
        query["labelSelector"] = labels if isinstance(labels, str) else _equality(labels)
    if name:
        query["fieldSelector"] = f"metadata.name={name}"
    return query


def list_all(
    server: Server, call: Call, query: Mapping[str, str], *, page: str = _PAGE
) -> tuple[list[Obj], str]:
    """Return the objects, oldest first, and the resourceVersion that they are of."""
    try:
        found, version = _pages(server, call, {**query, "limit": page})
    except Expired:  # it took longer than the server remembers: then all at once
        found, version = _pages(server, call, query)
    return sorted(found, key=_age), version


def shown(call: Call, obj: Obj) -> Obj:
    """The object as all verbs return it: with its kind, without who manages which field."""
    metadata = {key: obj["metadata"][key] for key in obj["metadata"] if key != "managedFields"}
    kind = {"apiVersion": call.kind.api_version, "kind": call.kind.kind}
    return {**kind, **obj, "metadata": metadata}


def _pages(server: Server, call: Call, query: Mapping[str, str]) -> tuple[list[Obj], str]:
    found: list[Obj] = []
    following = ""
    while True:
        page = server.send(call, {**query, **({"continue": following} if following else {})})
        found += (shown(call, item) for item in page.get("items") or ())
        following = page["metadata"].get("continue", "")
        if not following:
            return found, str(page["metadata"]["resourceVersion"])


def _equality(labels: Labels) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _age(obj: Obj) -> tuple[str, str]:
    return obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]
