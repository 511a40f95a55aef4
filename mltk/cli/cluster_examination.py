"""What `mltk doctor --on cluster` looks at: the way to the cluster, and what runs need there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mltk.cli.examination import MISSING, OK, WARN, Finding, judged
from mltk.cli.folder import PROJECT_FILE, project_above
from mltk.cli.forwarding import in_cluster
from mltk.cli.installation import (
    CONFIG_MAP,
    Installation,
    find_installation,
    not_installed,
    require_pipeline,
)
from mltk.cli.place import Place, open_place
from mltk.cli.where import Where
from mltk.errors import ConfigError, MltkError
from mltk.version import __version__

if TYPE_CHECKING:
    from mltk.cluster import ClusterBackend
    from mltk.cluster.examination import Examination


def examine_cluster(on: Where, namespace: str | None) -> Iterator[Finding]:
    """Look at the cluster step by step; what needs an earlier step is left out when that fails."""
    from mltk.cluster.examination import Examination

    try:
        place = open_place(on, namespace)
    except MltkError as error:
        yield judged("cluster", _raiser(error))
        return
    asked = Examination(cast("ClusterBackend", place.backend).server)
    yield Finding("cluster", OK, f"context {asked.access.context}, namespace {place.namespace}")
    server = judged("kubernetes", lambda: _kubernetes(asked))
    yield server
    if server.state == MISSING:
        return
    tekton = judged("tekton", lambda: _tekton(asked))
    yield tekton
    yield judged("permissions", lambda: _permissions(asked, place.namespace))
    yield judged("storage", lambda: _storage(asked))
    if tekton.state != MISSING:
        yield from _chart(place)
        yield from _affinity(asked)


def _raiser(error: MltkError) -> Callable[[], Finding]:
    def look() -> Finding:
        raise error

    return look


def _kubernetes(asked: Examination) -> Finding:
    return Finding("kubernetes", OK, f"{asked.version()} at {asked.access.url}")


def _tekton(asked: Examination) -> Finding:
    asked.tekton_kinds()
    version = asked.tekton_version()
    return Finding("tekton", OK, version or "installed (its version may not be read)")


def _permissions(asked: Examination, namespace: str) -> Finding:
    lacking = asked.lacking(namespace, CONFIG_MAP)
    if not lacking:
        return Finding("permissions", OK, "all that the commands do")
    return Finding(
        "permissions",
        MISSING,
        f"may not {'; '.join(_by_resource(lacking))}",
        f"ask the platform team for a Role in namespace {namespace} (docs/cluster.md)",
    )


def _by_resource(permissions: Sequence[str]) -> Iterator[str]:
    """Verbs of one resource together: `get, list pods`."""
    verbs: dict[str, list[str]] = {}
    for each in permissions:
        verb, _, resource = each.partition(" ")
        verbs.setdefault(resource, []).append(verb)
    return (f"{', '.join(found)} {resource}" for resource, found in verbs.items())


def _storage(asked: Examination) -> Finding:
    try:
        classes = asked.storage_classes()
    except MltkError as error:
        return Finding("storage", WARN, f"cannot be looked at: {error.what}")
    default = next((each.name for each in classes if each.default), None)
    if default is not None:
        return Finding("storage", OK, f"default class {default}")
    known = ", ".join(each.name for each in classes) or "none at all"
    return Finding(
        "storage",
        WARN,
        f"no default StorageClass (classes: {known})",
        "name one as cluster.storage.class in mltk.yaml, or mark one as the default",
    )


def _chart(place: Place) -> Iterator[Finding]:
    try:
        found = find_installation(place.backend, place.namespace)
        require_pipeline(place.backend, place.namespace)
        if found is None:
            raise not_installed(place.namespace)
    except MltkError as error:
        yield judged("mltk chart", _raiser(error))
        return
    yield _version(found)
    yield _mlflow(found, place.namespace)


def _version(found: Installation) -> Finding:
    image = f", image {found.image}" if found.image else ""
    if found.version in ("", __version__):
        return Finding("mltk chart", OK, f"{found.version or 'of unknown version'}{image}")
    return Finding(
        "mltk chart",
        WARN,
        f"{found.version} is installed, this is {__version__}{image}",
        "helm upgrade brings the chart of this version",
    )


def _mlflow(found: Installation, namespace: str) -> Finding:
    if not found.tracking_uri:
        hint = "set mlflow in the values of the chart, or tracking.uri in mltk.yaml"
        return Finding("mlflow", MISSING, f"ConfigMap {CONFIG_MAP} names no tracking-uri", hint)
    way = in_cluster(found.tracking_uri, namespace)
    models = "mltk models list --tracking-uri"
    hint = f"from here: {way.forward}, then {models} {way.here}" if way else ""
    return Finding("mlflow", OK, found.tracking_uri, hint)


def _affinity(asked: Examination) -> Iterator[Finding]:
    """Tell when the first pods of a run may bind it to a node where training cannot go."""
    models = _accelerated()
    flag = asked.coschedule() if models else None
    if flag not in ("workspaces", "pipelineruns", "isolate-pipelinerun"):
        return
    yield Finding(
        "placement",
        WARN,
        f"Tekton keeps the pods of a run on one node (coschedule: {flag}), which need not have the"
        f" accelerator that {', '.join(models)} trains with",
        "set cluster.placement in mltk.yaml to run, with a node_selector (docs/project-file.md)",
    )


def _accelerated() -> list[str]:
    from mltk.project.load import load

    root = project_above(Path.cwd())
    try:
        project = load(root / PROJECT_FILE) if root else None
    except ConfigError:
        return []
    if project is None or project.cluster.placement == "run":
        return []
    return [name for name, model in project.models.items() if model.resources.extended()]
