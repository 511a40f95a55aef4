"""What `mltk run` is asked for: the runs that the models need, at one commit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.event_option import PARAM, RULE, is_event_id
from mltk.cli.folder import PROJECT_FILE
from mltk.cli.place import Place
from mltk.cli.pushed import UNTRUSTED, distrusted, narrowed
from mltk.data.checkout import objects_of
from mltk.errors import NotFound, UsageError
from mltk.moments import microseconds, utc_now
from mltk.project.cluster import cluster_request
from mltk.project.compile import PIPELINE, manifests, run_manifest
from mltk.project.git import Repository
from mltk.project.load import load
from mltk.project.request import run_request, select
from mltk.tekton.objects import Obj, name_of, params_of, spec_of
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.cli.engine import Terms
    from mltk.data.windows.ledger import Ledger
    from mltk.data.windows.planning import Look
    from mltk.project.request import RunRequest
    from mltk.project.spec import Project

# Labels and key of a run are made from these.
_GIVEN = {"repo-url", "revision", "model", "data-version", "window"}


@dataclasses.dataclass(frozen=True)
class Sources:
    """What runs are made from: the project, its repository, and what all its runs share."""

    project: Project
    repository: Repository
    terms: Terms

    @property
    def objects(self) -> Path | None:
        """The DVC project that has the data, where that is not the repository's own."""
        url = self.terms.repo_url
        return objects_of(url, self.repository) if url and self.terms.home else None

    def manifest(
        self, place: Place, request: RunRequest, params: Mapping[str, str] | None = None
    ) -> Obj:
        """The PipelineRun that does what `request` asks, as the engine can have it."""
        made = run_manifest(
            self.project,
            request,
            tracking_uri=self.terms.tracking_uri,
            namespace=place.namespace,
            params=params,
        )
        if self.project.models[request.model].training.start == "fresh":
            return made
        from mltk.project.warm import starting_manifest

        return starting_manifest(made, _pipeline(place))

    def look(self, asked: RunRequest, before: Ledger, now: int) -> Look:
        """The windows of the model that `asked` is for, against what was known `before`.

        `now` is the clock; raises as `look_at` does.
        """
        from mltk.project.windowed import look_at

        project, objects = self.project, self.objects
        return look_at(project, asked.model, self.repository, asked.revision, before, now, objects)


def _pipeline(place: Place) -> Obj:
    """The Pipeline of a delivery as it is installed, or, where it is not yet, as it ships."""
    try:
        return place.backend.get("Pipeline", PIPELINE, place.namespace)
    except NotFound:
        return next(each for each in manifests() if name_of(each) == PIPELINE)


def sources(place: Place, *, untrusted: bool = False) -> Sources:
    """The project at hand; ConfigError when it is wrong, or runs could not have it.

    An `untrusted` one has no say in what runs share either: where they record, and what is cloned.
    """
    root = place.project_root()
    project = load(root / PROJECT_FILE)
    if untrusted:
        project = distrusted(project)
    repository = Repository.at(root)
    return Sources(project, repository, place.engine.terms(project, repository, place.namespace))


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is asked for at one commit: runs, and models whose windows are to be looked at."""

    revision: str
    manifests: tuple[Obj, ...]
    windowed: tuple[str, ...] = ()


def wanted(
    place: Place,
    models: Sequence[str],
    params: Mapping[str, str],
    *,
    since: str | None = None,
    untrusted: bool = False,
    due: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> Wanted:
    """The PipelineRuns that deliver `models` (all when empty), each as the engine can have it.

    Of a model with windows that is the newest closed one; where there is none, a model that nobody
    named is passed over with a note. With `due` its windows are to be looked at, and the newest one
    is delivered only where more than the data changed since `since`. With `since` only those that
    changed after that commit (empty: all of them); `untrusted` is a project of somebody else.

    Raises ConfigError for the project file, its repository or its data, and UsageError for a model
    or a param that is not there.
    """
    if params:
        check_params(params)
    if "tracking-uri" in params:
        place.engine.check_tracking(params["tracking-uri"], "-p tracking-uri")
    found = sources(place, untrusted=untrusted)
    if untrusted:
        params = {**params, **UNTRUSTED}
    names = select(found.project, models)
    # Who names no commit asks for what is due; after a push without one all may have changed.
    by_data = frozenset(names if since is None else ())
    if since:
        kept = narrowed(place, found.project, found.repository, names, since)
        names, by_data = kept.names, kept.by_data
    windowed = [name for name in names if due and found.project.models[name].windows]
    whole = [name for name in names if name not in windowed or name not in by_data]
    requests = [for_now(found, name, clock(), named=bool(models) and not due) for name in whole]
    made = [found.manifest(place, each, params) for each in requests if each is not None]
    return Wanted(found.terms.revision, tuple(made), tuple(windowed))


def for_now(found: Sources, name: str, now: datetime, *, named: bool) -> RunRequest | None:
    """The request for the whole table of a model, or for the newest closed one of its windows.

    None, with a note, where there is no such window; for a model that is `named` an error.
    """
    asked = request(found, name)
    if found.project.models[name].windows is None:
        return asked
    from mltk.project.windowed import newest, no_window

    moment = microseconds(now)
    chosen = newest(found.project, asked, found.repository, moment, found.objects)
    if chosen.request is None and named:
        raise no_window(name, chosen.why)
    if chosen.request is None:
        click.echo(f"note: {name} is passed over: {chosen.why}", err=True)
    return chosen.request


def request(found: Sources, name: str) -> RunRequest:
    """The request to deliver a model from its whole table."""
    terms = found.terms
    if terms.repo_url is None:
        return run_request(found.project, name, found.repository, terms.revision)
    deploy = found.project.models[name].deploy
    if terms.home is not None:
        asked = run_request(found.project, name, found.repository, terms.revision, found.objects)
        folder = str(terms.home / deploy.folder) if deploy else ""
        return dataclasses.replace(asked, repo_url=terms.repo_url, deploy_folder=folder)
    asked = cluster_request(found.project, name, found.repository, terms.revision, terms.repo_url)
    if deploy and not asked.deploy_folder:
        click.echo(
            f"note: {name} is registered, not deployed: {deploy.folder} is a folder of this"
            " machine",
            err=True,
        )
    return asked


def check_params(params: Mapping[str, str]) -> None:
    """Refuse params that the pipeline does not have, and those that say what the run is."""
    pipeline = next(each for each in manifests() if name_of(each) == PIPELINE)
    known = [each["name"] for each in spec_of(pipeline)["params"] if each["name"] not in _GIVEN]
    for name in params:
        if name in _GIVEN:
            raise UsageError(
                f"the param '{name}' comes from the project and cannot be chosen",
                hint="change mltk.yaml or the data, or name another model; then mltk run",
            )
        if name not in known:
            raise UsageError(
                f"the pipeline {PIPELINE} has no param '{name}'{did_you_mean(name, known)}",
                hint=f"its params: {', '.join(known)}",
            )
    if (event := params.get(PARAM)) and not is_event_id(event):
        raise UsageError(f"'{event}' {RULE}", where=f"param {PARAM}")


def snapshot(place: Place, run: Obj) -> str | None:
    """The commit that `run` is made from when it is a snapshot, None when that is HEAD."""
    revision = str(params_of(run)["revision"])
    return None if revision == Repository.at(place.project_root()).head() else revision
