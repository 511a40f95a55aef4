"""How clients learn what is served.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import platform
from collections.abc import Iterable

from mltk.apiserver.request import JSON, Request
from mltk.apiserver.resources import RESOURCES, Resource, api_versions
from mltk.apiserver.reviews import REVIEWS, Review
from mltk.tekton.objects import Obj
from mltk.version import __version__

# The API whose wire form this is; clients compare their own version with it.
_KUBERNETES = ("1", "33", "v1.33.0")
_AGGREGATED = "apidiscovery.k8s.io"


def version() -> Obj:
    """What ``kubectl version`` shows of the server."""
    major, minor, release = _KUBERNETES
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"{release}+mltk-{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation(),
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }


def discover(request: Request) -> tuple[Obj, str] | None:
    """The answer to a path of discovery and its media type, None for another path."""
    path = request.path.rstrip("/")
    if path in ("/api", "/apis"):
        if (version := _aggregated_version(request.accept)) is not None:
            media = f"{JSON};g={_AGGREGATED};v={version};as=APIGroupDiscoveryList"
            return _aggregated(path, version), media
        return (_core() if path == "/api" else _groups()), JSON
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) == 2:
        found = _resource_list(parts[1])
    elif parts[0] == "apis" and len(parts) == 2:
        found = next((each for each in _group_entries() if each["name"] == parts[1]), None)
        found = found and {"kind": "APIGroup", "apiVersion": "v1", **found}
    elif parts[0] == "apis" and len(parts) == 3:
        found = _resource_list("/".join(parts[1:]))
    else:
        found = None
    return (found, JSON) if found else None


def _aggregated_version(accept: str) -> str | None:
    """The version of the aggregated form, when the client asks for it first."""
    for each in accept.split(","):
        said = dict(part.strip().partition("=")[::2] for part in each.split(";")[1:])
        wanted = (said.get("as"), said.get("g")) == ("APIGroupDiscoveryList", _AGGREGATED)
        if wanted and said.get("v") in ("v2", "v2beta1"):
            return said["v"]
    return None


def _core() -> Obj:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _groups() -> Obj:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": _group_entries()}


def _group_entries() -> list[Obj]:
    versions: dict[str, list[str]] = {}
    for each in _versions():
        group, slash, _ = each.partition("/")
        if slash:
            versions.setdefault(group, []).append(each)
    return [
        {
            "name": group,
            "versions": [_group_version(each) for each in found],
            "preferredVersion": _group_version(found[0]),
        }
        for group, found in versions.items()
    ]


def _group_version(version: str) -> Obj:
    return {"groupVersion": version, "version": version.partition("/")[2]}


def _versions() -> list[str]:
    found = dict.fromkeys([*api_versions(), *(each.api_version for each in REVIEWS)])
    # Within a group what is stable comes first: v1 before v1beta1.
    return sorted(found, key=lambda it: (it.partition("/")[0], "a" in it.partition("/")[2], it))


def _resource_list(version: str) -> Obj | None:
    served = [each for each in RESOURCES if each.kind.api_version == version]
    reviews = [each for each in REVIEWS if each.api_version == version]
    if not served and not reviews:
        return None
    listed = [entry for each in served for entry in _entries(each)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": [*listed, *(_review(each) for each in reviews)],
    }


def _entries(resource: Resource) -> Iterable[Obj]:
    kind = resource.kind
    entry: Obj = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    yield entry
    for name, verbs in resource.subresources.items():
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(verbs),
        }


def _review(review: Review) -> Obj:
    return {
        "name": review.plural,
        "singularName": review.plural.removesuffix("s"),
        "namespaced": False,
        "kind": review.kind,
        "verbs": ["create"],
    }


def _aggregated(path: str, version: str) -> Obj:
    wanted = [each for each in _versions() if ("/" in each) == (path == "/apis")]
    groups: dict[str, list[Obj]] = {}
    for each in wanted:
        group = each.partition("/")[0] if "/" in each else ""
        groups.setdefault(group, []).append(
            {
                "version": each.rpartition("/")[2],
                "resources": _aggregated_resources(each),
                "freshness": "Current",
            }
        )
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{_AGGREGATED}/{version}",
        "metadata": {},
        "items": [
            {"metadata": {"name": group, "creationTimestamp": None}, "versions": found}
            for group, found in groups.items()
        ],
    }


def _aggregated_resources(version: str) -> list[Obj]:
    group, _, plain = version.rpartition("/")
    found: list[Obj] = []
    for entry in (_resource_list(version) or {"resources": []})["resources"]:
        name, _, subresource = entry["name"].partition("/")
        kind = {"group": group, "version": plain, "kind": entry["kind"]}
        if subresource:
            found[-1].setdefault("subresources", []).append(
                {"subresource": subresource, "responseKind": kind, "verbs": entry["verbs"]}
            )
            continue
        made = {
            "resource": name,
            "responseKind": kind,
            "scope": "Namespaced" if entry["namespaced"] else "Cluster",
            "singularResource": entry["singularName"],
            "verbs": entry["verbs"],
        }
        found.append({**made, **{k: entry[k] for k in ("shortNames", "categories") if k in entry}})
    return found
