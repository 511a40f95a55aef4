"""What `mltk run` does for a push: leave out what it does not concern, and tell the git host."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from mltk.cli.labels import MODEL
from mltk.errors import MltkError
from mltk.tekton.objects import Obj, is_done, is_success, labels_of, name_of, params_of, status_of

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.forges.forge import State
    from mltk.project.git import Repository
    from mltk.project.spec import Project

NO_SECRET = "mltk-none"  # noqa: S105  (the name of a Secret that nobody makes)
UNTRUSTED = {
    "register": "false",
    "source-secret": NO_SECRET,
    "tracking-secret": NO_SECRET,
    "hosting-secret": NO_SECRET,
    "forge-secret": NO_SECRET,
}
"""Params of a run of somebody else's project: it sees no Secret and registers nothing."""


def distrusted(project: Project) -> Project:
    """The project without what would choose an image, a server or nodes of others."""
    from mltk.project.placement import Cluster, Resources
    from mltk.project.spec import Tracking

    models = {
        name: model.model_copy(update={"resources": Resources(), "deploy": None})
        for name, model in project.models.items()
    }
    return project.model_copy(
        update={"cluster": Cluster(), "tracking": Tracking(), "models": models}
    )


@dataclasses.dataclass(frozen=True)
class Narrowed:
    """Models that a push concerns; of those `by_data` nothing but the data changed."""

    names: tuple[str, ...]
    by_data: frozenset[str]


def narrowed(
    place: Place, project: Project, repository: Repository, names: Sequence[str], since: str
) -> Narrowed:
    """Those of `names` that changed since commit `since`, or whose newest run did not succeed."""
    from mltk.project.changes import concerned

    found = concerned(project, repository, since)
    if found.all_because:
        click.echo(f"all models are looked at: {found.all_because}", err=True)
    kept = tuple(name for name in names if name in found.models or not _rests(place, name))
    for name in names:
        if name not in kept:
            click.echo(f"not concerned: {name} did not change since {since[:12]}", err=True)
    return Narrowed(kept, found.by_data)


def _rests(place: Place, model: str) -> bool:
    """Whether nothing of a model is left to do, as far as its newest run tells."""
    runs = place.backend.list("PipelineRun", place.namespace, f"{MODEL}={model}")
    return bool(runs) and (is_success(runs[-1]) or not is_done(runs[-1]))


def tell_host(runs: Iterable[tuple[Obj, str]], asked: Mapping[str, str], revision: str) -> None:
    """Set the status of commit `revision` for each run and how it stands (done, running, new).

    Where the environment has no token nobody is told; what goes wrong is said and stops nothing.
    """
    from mltk.forges.forge import CommitStatus
    from mltk.forges.opening import link_to, open_forge

    try:
        forge = open_forge(asked.get("forge", ""), os.environ)
        if forge is None:
            return
        for run, stands in runs:
            if stands == "running" or (stands == "new" and not _is_of(run, revision)):
                continue  # its own report tells, a copy that of its own commit
            context = f"mltk/{labels_of(run)[MODEL]}"
            link = link_to(name_of(run), os.environ)
            standing = _standing(run, done=stands == "done")
            forge.set_status(revision, CommitStatus(context, *standing, link))
    except MltkError as error:
        click.echo(f"warning: the git host was not told\n{error.describe()}", err=True)


def _is_of(run: Obj, revision: str) -> bool:
    return params_of(run).get("revision") == revision


def _standing(run: Obj, *, done: bool) -> tuple[State, str]:
    if not done:
        return "pending", f"run {name_of(run)}"
    results = {each["name"]: each["value"] for each in status_of(run).get("results") or ()}
    if results.get("verdict") == "fail":
        return "failure", f"rejected by the gate before: {results.get('reason', '')}"
    return "success", f"up to date, run {name_of(run)}"


def answers(run: Obj, asked: Mapping[str, object]) -> bool:
    """Whether a run that is there tells the git host what one with the params `asked` would."""
    given = params_of(run)
    if asked.get("pull-request"):
        same = given.get("pull-request") == asked["pull-request"]
        return same and given.get("forge") == asked.get("forge")
    return not asked.get("forge") or is_done(run) or given.get("revision") == asked.get("revision")
