"""The resolver ``hub``: an object of a catalog, by name and version.

Rules: ``pkg/remoteresolution/resolver/hub`` of Tekton, except that a catalog is a folder in the
layout of tektoncd/catalog, ``KIND/NAME/VERSION/NAME.yaml``. Where it lies say the ConfigMap
(``artifact-hub-urls``, ``tekton-hub-urls``) or the variable of the type, as for a hub on the net.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from mltk.local.resolvers.base import MAX_BYTES, Errand, Found, sha256
from mltk.local.resolvers.download import is_address
from mltk.local.resolvers.versions import newest, parse_constraints
from mltk.tekton.remote import Unresolved

_KINDS = ("task", "pipeline", "stepaction")
_PLACES = {
    "artifact": ("artifact-hub-urls", "ARTIFACT_HUB_API"),
    "tekton": ("tekton-hub-urls", "TEKTON_HUB_API"),
}
_CATALOGS = {"task": "default-artifact-hub-task-catalog",
             "pipeline": "default-artifact-hub-pipeline-catalog"}  # fmt: skip
_SEGMENT = re.compile(r"[A-Za-z0-9][\w.+-]*")


class Hub:
    """Finds objects in a catalog; `environment` gives the variable that says where it lies."""

    type, name = "hub", "Hub"
    config, flag = "hubresolver-config", "enable-hub-resolver"
    defaults: Mapping[str, str] = {
        "default-tekton-hub-catalog": "Tekton",
        "default-artifact-hub-task-catalog": "tekton-catalog-tasks",
        "default-artifact-hub-pipeline-catalog": "tekton-catalog-pipelines",
        "default-kind": "task",
        "default-type": "artifact",
    }

    def __init__(self, environment: Callable[[str], str | None] = os.environ.get) -> None:
        self._environment = environment

    def check(self, errand: Errand) -> None:
        """Raise Unresolved for params that are missing or not known."""
        _asked(errand)

    def is_immutable(self, errand: Errand) -> bool:  # noqa: ARG002  (a folder may always change)
        """Return False: a catalog may change."""
        return False

    def resolve(self, errand: Errand) -> Found:
        """Return the object, of the newest version that fits, from the first catalog with it."""
        asked = _asked(errand)
        why = []
        for folder in self._folders(asked.type, errand):
            try:
                return _look(folder, asked)
            except Unresolved as error:
                why.append(str(error))
        if len(why) == 1:
            raise Unresolved(why[0])
        raise Unresolved("failed to fetch resource from any configured hub URL: " + "\n".join(why))

    def _folders(self, kind: str, errand: Errand) -> list[Path]:
        setting, variable = _PLACES[kind]
        places = _listed(errand.settings.get(setting, "")) or [self._environment(variable) or ""]
        if places == [""]:
            raise Unresolved(
                f"no hub URL configured for type {kind}: set {variable} to the folder of a catalog"
                f" (KIND/NAME/VERSION/NAME.yaml), or list it under {setting} in the ConfigMap"
                f" {self.config}"
            )
        return [_folder(place, errand.base) for place in places]


@dataclass(frozen=True)
class _Asked:
    type: str
    kind: str
    name: str
    version: str


def _asked(errand: Errand) -> _Asked:
    params, settings = errand.params, errand.settings
    hub = params.get("type", settings.get("default-type"))
    kind = params.get("kind", settings.get("default-kind"))
    for what, value in (("type", hub), ("resource kind", kind)):
        if value is None:
            raise _unpopulated(
                f"default {what} was not set during installation of the hub resolver"
            )
    if "catalog" not in params and hub == "artifact" and kind not in _CATALOGS:
        raise _unpopulated(f"failed to resolve catalog name with kind: {kind}")
    if "catalog" not in params and hub not in _PLACES:
        raise _unpopulated(f"failed to resolve catalog name with type: {hub}")
    if kind not in _KINDS:
        raise _invalid(f"kind param must be one of: {', '.join(_KINDS)}")
    if url := params.get("url"):
        _refuse_url(url)
    if hub not in _PLACES:
        raise _invalid("type param must be artifact or tekton")
    if missing := [name for name in ("name", "version") if name not in params]:
        raise _invalid(f"missing required hub resolver params: {', '.join(missing)}")
    return _Asked(str(hub), str(kind), params["name"], params["version"])


def _refuse_url(url: str) -> None:
    if "://" not in url:
        raise _invalid(f"invalid url param: url must be a valid absolute URL: {url}")
    if not is_address(url):
        raise _invalid(f"invalid url param: url must use http or https scheme: {url}")
    raise _invalid(f"invalid url param: {_no_net(url)}")


def _no_net(url: str) -> str:
    return f"{url} is a hub on the net, which is not done yet; use the folder of a catalog"


def _unpopulated(why: str) -> Unresolved:
    return Unresolved(f"failed to populate default params: {why}")


def _invalid(why: str) -> Unresolved:
    return Unresolved(f"failed to validate params: {why}")


def _listed(text: str) -> list[str]:
    """The places in a list of YAML; as in Tekton what is no such list counts as none."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    return (
        [each.strip() for each in found if isinstance(each, str)] if isinstance(found, list) else []
    )


def _folder(place: str, base: Path) -> Path:
    if place.startswith("file://"):
        return Path(unquote(urlsplit(place).path))
    if "://" in place:
        raise Unresolved(_no_net(place))
    return base / place


def _look(folder: Path, asked: _Asked) -> Found:
    for each in (asked.name, asked.version):
        if not each:
            raise Unresolved("name and version must not be empty")
    if not _SEGMENT.fullmatch(asked.name):
        raise Unresolved(f"'{asked.name}' is not a name in a catalog")
    versions = _versions(folder / asked.kind / asked.name)
    chosen = asked.version if asked.version in versions else _choose(versions, asked.version)
    path = folder / asked.kind / asked.name / chosen / f"{asked.name}.yaml"
    data = _read(path, folder)
    return Found(data, {"uri": path.absolute().as_uri(), "digest": sha256(data)})


def _versions(folder: Path) -> Sequence[str]:
    try:
        found = [each.name for each in folder.iterdir() if each.is_dir()]
    except OSError:
        raise Unresolved(f"requested resource '{folder}' not found on hub") from None
    return [each for each in sorted(found) if _SEGMENT.fullmatch(each)]


def _choose(versions: Sequence[str], wanted: str) -> str:
    try:
        constraints = parse_constraints(wanted)
    except ValueError:
        raise Unresolved(
            f"there is no version '{wanted}'; there are {', '.join(versions)}"
        ) from None
    chosen = newest(versions, constraints)
    if chosen is None:
        raise Unresolved(f"no version found for constraint {wanted}")
    return chosen


def _read(path: Path, folder: Path) -> bytes:
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise Unresolved(f"'{path}' leads out of the catalog")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        raise Unresolved(f"requested resource '{path}' not found on hub") from None
    if len(data) > MAX_BYTES:
        raise Unresolved(f"'{path}' exceeds {MAX_BYTES} bytes")
    return data
