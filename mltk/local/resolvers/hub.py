"""The resolver ``hub``: an object of a catalog, by name and version.

Rules: ``pkg/remoteresolution/resolver/hub`` of Tekton, except that a catalog may also be a folder
of this machine. Where it is say `url`, the ConfigMap (``artifact-hub-urls``, ``tekton-hub-urls``),
or the variable of the type.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import yaml

from mltk.local.resolvers.base import Errand, Found
from mltk.local.resolvers.catalog import Asked, Folder
from mltk.local.resolvers.download import is_address
from mltk.local.resolvers.hubapi import HubApi
from mltk.local.resolvers.versions import Constraint, newest, parse_constraints
from mltk.tekton.remote import Unresolved

_KINDS = ("task", "pipeline", "stepaction")
_ARTIFACT_HUB = "https://artifacthub.io"
# Types of hubs -> the setting and the variable that say where they are.
_PLACES = {
    "artifact": ("artifact-hub-urls", "ARTIFACT_HUB_API"),
    "tekton": ("tekton-hub-urls", "TEKTON_HUB_API"),
}
_CATALOGS = {"task": "default-artifact-hub-task-catalog",
             "pipeline": "default-artifact-hub-pipeline-catalog"}  # fmt: skip


_T = TypeVar("_T")


class _Place(Protocol):
    def versions(self, asked: Asked) -> list[str]: ...
    def fetch(self, asked: Asked) -> Found: ...


class _NoVersion(Unresolved):
    """A place has the object, but in no version that fits; no other place is asked then."""


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
        self._asked(errand)

    def is_immutable(self, errand: Errand) -> bool:  # noqa: ARG002  (a folder may always change)
        """Return False: a catalog may change."""
        return False

    def resolve(self, errand: Errand) -> Found:
        """Return the object, of the newest version that fits, from the first catalog with it."""
        asked = self._asked(errand)
        places = [_place(each, errand) for each in self._places(asked.type, errand)]
        try:
            constraints = parse_constraints(asked.version)
        except ValueError:
            return _first(places, lambda place: place.fetch(asked), "fetch resource")
        version, place = _first(
            places,
            lambda place: (_choose(place, asked, constraints), place),
            "resolve version constraint",
        )
        return place.fetch(replace(asked, version=version))

    def _places(self, kind: str, errand: Errand) -> Sequence[str]:
        """Where a hub of that type is, in the order in which to ask; none where nobody says it."""
        setting, variable = _PLACES[kind]
        if url := errand.params.get("url"):
            return [url]
        default = _ARTIFACT_HUB if kind == "artifact" else ""
        said = self._environment(variable) or default
        return _listed(errand.settings.get(setting, "")) or ([said] if said else [])

    def _asked(self, errand: Errand) -> Asked:
        params, settings = errand.params, errand.settings
        hub = params.get("type", settings.get("default-type"))
        kind = params.get("kind", settings.get("default-kind"))
        for what, value in (("type", hub), ("resource kind", kind)):
            if value is None:
                raise _unpopulated(
                    f"default {what} was not set during installation of the hub resolver"
                )
        catalog = _catalog(str(hub), str(kind), errand)
        if kind not in _KINDS:
            raise _invalid(f"kind param must be one of: {', '.join(_KINDS)}")
        if url := params.get("url"):
            _check_url(url)
        if hub not in _PLACES:
            raise _invalid("type param must be artifact or tekton")
        if not self._places(hub, errand):
            raise _invalid(f"please configure {_PLACES[hub][1]} env variable to use {hub} type")
        if missing := [name for name in ("name", "version") if name not in params]:
            raise _invalid(f"missing required hub resolver params: {', '.join(missing)}")
        return Asked(hub, str(kind), catalog, params["name"], params["version"])


def _catalog(hub: str, kind: str, errand: Errand) -> str:
    if "catalog" in errand.params:
        return errand.params["catalog"]
    if hub == "artifact" and kind not in _CATALOGS:
        raise _unpopulated(f"failed to resolve catalog name with kind: {kind}")
    if hub not in _PLACES:
        raise _unpopulated(f"failed to resolve catalog name with type: {hub}")
    setting = _CATALOGS[kind] if hub == "artifact" else "default-tekton-hub-catalog"
    if setting not in errand.settings:
        what = f"Artifact Hub {kind}" if hub == "artifact" else "Tekton Hub"
        raise _unpopulated(
            f"default {what} catalog was not set during installation of the hub resolver"
        )
    return errand.settings[setting]


def _check_url(url: str) -> None:
    if "://" not in url:
        raise _invalid(f"invalid url param: url must be a valid absolute URL: {url}")
    if not is_address(url):
        raise _invalid(f"invalid url param: url must use http or https scheme: {url}")


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


def _place(place: str, errand: Errand) -> _Place:
    if is_address(place):
        return HubApi(place, errand)
    if place.startswith("file://"):
        place = unquote(urlsplit(place).path)
    return Folder(errand.base / place)


def _choose(place: _Place, asked: Asked, constraints: Sequence[Constraint]) -> str:
    chosen = newest(place.versions(asked), constraints)
    if chosen is None:
        raise _NoVersion(f"no version found for constraint {asked.version}")
    return chosen


def _first(places: Sequence[_Place], ask: Callable[[_Place], _T], what: str) -> _T:
    """What the first place answers that has an answer."""
    why = []
    for place in places:
        try:
            return ask(place)
        except _NoVersion:
            raise
        except Unresolved as error:
            why.append(str(error))
    if len(why) == 1:
        raise Unresolved(why[0])
    raise Unresolved(f"failed to {what} from any configured hub URL: " + "\n".join(why))
