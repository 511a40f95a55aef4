"""A hub on the net, by its HTTP API: that of Artifact Hub or that of Tekton Hub.

Rules: ``pkg/remoteresolution/resolver/hub/resolve.go`` of Tekton.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mltk.local.resolvers.base import Errand, Found, sha256
from mltk.local.resolvers.catalog import Asked
from mltk.local.resolvers.download import NotThere, download
from mltk.local.resolvers.mirrors import mirrored
from mltk.local.resolvers.versions import Version
from mltk.tekton.remote import Unresolved


@dataclass(frozen=True)
class _Dialect:
    """How a hub is asked, and where in its answer is what; paths are formed from an `Asked`."""

    name: str
    versions: str
    document: str
    yaml: str


_DIALECTS: Mapping[str, _Dialect] = {
    "artifact": _Dialect(
        "Artifact Hub",
        "api/v1/packages/tekton-{0.kind}/{0.catalog}/{0.name}",
        "api/v1/packages/tekton-{0.kind}/{0.catalog}/{0.name}/{0.version}",
        "manifestRaw",
    ),
    "tekton": _Dialect(
        "Tekton Hub",
        "v1/resource/{0.catalog}/{0.kind}/{0.name}",
        "v1/resource/{0.catalog}/{0.kind}/{0.name}/{0.version}/yaml",
        "yaml",
    ),
}


@dataclass(frozen=True)
class HubApi:
    """A hub at an address, asked within the bounds of an errand."""

    address: str
    errand: Errand

    def versions(self, asked: Asked) -> list[str]:
        """Return the versions of an object, in three numbers; raises Unresolved."""
        said = self._get(asked, _DIALECTS[asked.type].versions)
        if asked.type == "artifact":
            listed = [each for each in _list(said, "available_versions") if not each["prerelease"]]
        else:
            listed = _list(said.get("data"), "versions")
        return [_normal(each["version"], asked.type) for each in listed]

    def fetch(self, asked: Asked) -> Found:
        """Return the object of that version, as this type of hub writes versions."""
        dialect = _DIALECTS[asked.type]
        said = self._get(asked, dialect.document)
        data = said.get("data")
        text = data.get(dialect.yaml) if isinstance(data, dict) else None
        found = text.encode() if isinstance(text, str) else b""
        return Found(found, {"uri": self._url(asked, dialect.document), "digest": sha256(found)})

    def _url(self, asked: Asked, path: str) -> str:
        return f"{self.address.rstrip('/')}/{path.format(_as_written(asked))}"

    def _get(self, asked: Asked, path: str) -> dict[str, Any]:
        url, start = self._url(asked, path), f"fail to fetch {_DIALECTS[asked.type].name} resource"
        try:
            said = json.loads(download(mirrored(url, self.errand), self.errand.deadline))
        except NotThere:
            raise Unresolved(f"{start}: requested resource '{url}' not found on hub") from None
        except Unresolved as error:
            why = str(error).removeprefix("error fetching URL: ")
            raise Unresolved(f"{start}: requesting resource from Hub: {why}") from None
        except (ValueError, RecursionError) as error:
            raise Unresolved(f"{start}: error unmarshalling json response: {error}") from None
        if not isinstance(said, dict):
            raise Unresolved(f"{start}: error unmarshalling json response: it is no object")
        return said


def _list(said: Any, name: str) -> list[dict[str, Any]]:
    """Versions in an answer; what is none is left out."""
    found = said.get(name) if isinstance(said, dict) else None
    return [
        {"version": each["version"], "prerelease": each.get("prerelease") is True}
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict) and isinstance(each.get("version"), str)
    ]


def _normal(text: str, hub: str) -> str:
    try:
        return str(Version.parse(text))
    except ValueError:
        why = f"fail to parse version {hub} from {text}: Malformed version: {text}"
        raise Unresolved(why) from None


def _as_written(asked: Asked) -> Asked:
    """Artifact Hub has three numbers in each version, Tekton Hub two."""
    parts, version = asked.version.split("."), asked.version
    if asked.type == "artifact" and len(parts) == 2:
        version = f"{version}.0"
    elif asked.type == "tekton" and len(parts) > 2:
        version = ".".join(parts[:2])
    return Asked(asked.type, asked.kind, asked.catalog, asked.name, version)
