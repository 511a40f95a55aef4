"""Workspaces as folders of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from mltk.local.layout import Layout
from mltk.local.podvolumes import holds_files, write_files
from mltk.local.store import Store
from mltk.tekton.creation import claims
from mltk.tekton.names import claim_name
from mltk.tekton.objects import Obj, name_of, namespace_of, spec_of, uid_of
from mltk.tekton.taskrun import bindings
from mltk.tekton.verdicts import TaskRunRejected
from mltk.tekton.volumes import Surroundings, files

CLAIM = "persistentVolumeClaim"


def bind(task_run: Obj, task_spec: Obj, layout: Layout) -> dict[str, Path]:
    """Return the folder of each bound workspace, made when it is not there.

    Raises TaskRunRejected for a subPath that leads out of its volume.
    """
    found = bindings(task_run, task_spec)
    return {binding["name"]: _folder(binding, task_run, layout) for binding in found}


def fill(task_run: Obj, task_spec: Obj, folders: Mapping[str, Path], around: Surroundings) -> None:
    """Write the files of workspaces that come from objects, where nothing is mounted."""
    for binding in bindings(task_run, task_spec):
        if holds_files(binding):
            write_files(folders[binding["name"]], files(binding["name"], binding, around))


def ensure_volumes(task_run: Obj, volumes: Mapping[str, Obj], store: Store) -> None:
    """Create the claims that volumes of a pod name and that are not there yet."""
    named = ((source.get(CLAIM) or {}).get("claimName") for source in volumes.values())
    for name in _missing((name for name in named if name), namespace_of(task_run), store):
        _insert_bound(_any_volume(name, namespace_of(task_run)), store)


def claims_of(task_run: Obj) -> frozenset[str]:
    """Names of the claims that a TaskRun binds, as far as its own params tell."""
    found = bindings(task_run, spec_of(task_run).get("taskSpec") or {})
    named = (claim_of(binding, task_run) for binding in found)
    return frozenset(name for name in named if name and "$(" not in name)


def claim_of(binding: Obj, run: Obj) -> str | None:
    """Name of the claim that a workspace of `run` is bound to, None for another source."""
    if CLAIM in binding:
        return str(binding[CLAIM]["claimName"])
    if (template := binding.get("volumeClaimTemplate")) is not None:
        wanted = (template.get("metadata") or {}).get("name", "")
        return claim_name(binding["name"], uid_of(run), wanted)
    return None


def ensure_claims(run: Obj, task_runs: Iterable[Obj], store: Store) -> None:
    """Create the claims that `task_runs` of a run bind and that are not there yet.

    Those of a volumeClaimTemplate belong to the run and go with it; one that was named by hand
    stays, as there is no administrator here to provide it.
    """
    wanted = sorted(claim for task_run in task_runs for claim in claims_of(task_run))
    missing = _missing(wanted, namespace_of(run), store)
    templates = {name_of(claim): claim for claim in claims(run)} if missing else {}
    for name in missing:
        _insert_bound(templates.get(name) or _any_volume(name, namespace_of(run)), store)


def _missing(names: Iterable[str], namespace: str, store: Store) -> list[str]:
    return [name for name in dict.fromkeys(names) if not store.exists(CLAIM, name, namespace)]


def _insert_bound(claim: Obj, store: Store) -> None:
    store.insert({**claim, "status": {"phase": "Bound"}})


def _folder(binding: Obj, task_run: Obj, layout: Layout) -> Path:
    if claim := claim_of(binding, task_run):
        volume = layout.volume(namespace_of(task_run), claim)
    else:
        volume = layout.work(task_run) / "volumes" / binding["name"]
    sub_path = PurePosixPath(binding.get("subPath") or "")
    if sub_path.is_absolute() or ".." in sub_path.parts:
        raise TaskRunRejected(
            "InvalidWorkspaceBindings",
            f"subPath '{sub_path}' of workspace '{binding['name']}' leads out of its volume",
        )
    folder = volume / sub_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _any_volume(name: str, namespace: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"]},
    }
