"""What `mltk run` is to do: the runs that the models need, and those that are there already."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.claiming import learnt_from, named
from mltk.cli.event_option import PARAM, RULE, is_event_id
from mltk.cli.folder import PROJECT_FILE
from mltk.cli.labels import KEY, MODEL, POLICY
from mltk.cli.place import Place
from mltk.cli.pushed import UNTRUSTED, answers, distrusted, narrowed
from mltk.data.checkout import objects_of
from mltk.errors import Conflict, UsageError
from mltk.moments import microseconds, utc_now
from mltk.project.cluster import cluster_request
from mltk.project.compile import PIPELINE, manifests, run_manifest
from mltk.project.git import Repository
from mltk.project.load import load
from mltk.project.request import run_request, select
from mltk.queueing.annotations import QUEUE, QUEUED_AT
from mltk.tekton.objects import (
    Obj,
    annotations_of,
    format_micro_time,
    is_done,
    is_success,
    labels_of,
    name_of,
    namespace_of,
    params_of,
    spec_of,
    uid_of,
)
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.cli.engine import Terms
    from mltk.project.request import RunRequest
    from mltk.project.spec import Project

# How often a name may be that of another run, or of one that has ended badly meanwhile.
_ATTEMPTS = 5
# Labels and key of a run are made from these.
_GIVEN = {"repo-url", "revision", "model", "data-version", "window"}


@dataclasses.dataclass(frozen=True)
class Plan:
    """`done` are up to date, `running` in the hands of others, `new` just made.

    `in_order` are all of them, as they were asked for.
    """

    done: tuple[Obj, ...]
    running: tuple[Obj, ...]
    new: tuple[Obj, ...]
    in_order: tuple[Obj, ...]


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
        return run_manifest(
            self.project,
            request,
            tracking_uri=self.terms.tracking_uri,
            namespace=place.namespace,
            params=params,
        )


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
        _check(params)
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
    requests = [_for_now(found, name, clock(), named=bool(models) and not due) for name in whole]
    made = [found.manifest(place, each, params) for each in requests if each is not None]
    return Wanted(found.terms.revision, tuple(made), tuple(windowed))


def _for_now(found: Sources, name: str, now: datetime, *, named: bool) -> RunRequest | None:
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


def _check(params: Mapping[str, str]) -> None:
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


def together(one: Plan, two: Plan) -> Plan:
    """Both plans; a run that both name counts once, and as new where one of them made it."""
    new = _distinct((*one.new, *two.new))
    made = {uid_of(run) for run in new}
    done, running = (
        tuple(run for run in _distinct(runs) if uid_of(run) not in made)
        for runs in ((*one.done, *two.done), (*one.running, *two.running))
    )
    return Plan(done, running, new, _distinct((*one.in_order, *two.in_order)))


def _distinct(runs: Iterable[Obj]) -> tuple[Obj, ...]:
    return tuple({uid_of(run): run for run in runs}.values())


def plan(place: Place, asked: Sequence[Obj], *, force: bool) -> Plan:
    """Find the run that does what each of `asked` asks, or make it. The turn must be held.

    A cluster has no turn: there a run that somebody else makes meanwhile is found as well.
    InfrastructureError, before any is made, when new runs would not find what they need.
    """
    looks = [None if force else _look(place, manifest) for manifest in asked]
    pairs = list(zip(asked, looks, strict=True))
    missing = [manifest for manifest, look in pairs if look is None or look.run is None]
    if missing:
        place.engine.equip(namespace_of(missing[0]), missing)
    made = [_find_or_make(place, manifest, look) for manifest, look in pairs]
    there = [run for run, new in made if not new]
    return Plan(
        done=tuple(run for run in there if is_done(run)),
        running=tuple(run for run in there if not is_done(run)),
        new=tuple(run for run, new in made if new),
        in_order=tuple(run for run, _ in made),
    )


def _find_or_make(place: Place, manifest: Obj, look: _Look | None) -> tuple[Obj, bool]:
    """The run that does it, and whether it is new; one that another made since the look is not."""
    for attempt in range(_ATTEMPTS):
        if look is None:
            break
        if look.run is not None:
            return look.run, False
        run = named(stamped(manifest, utc_now()), look.before, attempt)
        if not _left_behind(place, run):
            with suppress(Conflict):
                return place.backend.create(run), True
        look = _look(place, manifest)
    return place.backend.create(stamped(manifest, utc_now())), True


def _left_behind(place: Place, run: Obj) -> bool:
    """Whether there are TaskRuns of a run of that name, perhaps of one that is deleted.

    A cluster deletes what a run owns after it, and Tekton asks for TaskRuns by name alone: it would
    take the old ones for those of the new run.
    """
    of_run = {"tekton.dev/pipelineRun": name_of(run)}
    return bool(place.backend.list("TaskRun", namespace_of(run), of_run))


def stamped(manifest: Obj, now: datetime) -> Obj:
    """A run that is to wait, with the moment of it: Kubernetes tells whole seconds."""
    if QUEUE not in annotations_of(manifest):
        return manifest
    marks = {**annotations_of(manifest), QUEUED_AT: format_micro_time(now)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": marks}}


def snapshot(place: Place, run: Obj) -> str | None:
    """The commit that `run` is made from when it is a snapshot, None when that is HEAD."""
    revision = str(params_of(run)["revision"])
    return None if revision == Repository.at(place.project_root()).head() else revision


@dataclasses.dataclass(frozen=True)
class _Look:
    """All that were made `before` for what is asked, and the one that does it, if there is one."""

    before: tuple[Obj, ...]
    run: Obj | None


def existing(place: Place, manifest: Obj) -> Obj | None:
    """The newest run that did, or is doing, what `manifest` asks; the turn must be held."""
    return _look(place, manifest).run


def _look(place: Place, manifest: Obj) -> _Look:
    before = tuple(_candidates(place, manifest))
    params = params_of(manifest)
    fitting = (run for run in before if answers(run, params))
    return _Look(before, next((run for run in fitting if _stands(place, run)), None))


def _stands(place: Place, run: Obj) -> bool:
    if is_success(run):
        return _recorded(run)
    return not is_done(run) and place.engine.tends(run)


def _candidates(place: Place, manifest: Obj) -> Iterator[Obj]:
    labels = {key: labels_of(manifest)[key] for key in (MODEL, KEY, POLICY)}
    runs = place.backend.list("PipelineRun", manifest["metadata"]["namespace"], labels)
    asked = learnt_from(manifest)
    return (run for run in reversed(runs) if learnt_from(run) == asked)


def _recorded(run: Obj) -> bool:
    """Whether the database that the run was recorded in is still there (servers are trusted)."""
    uri = str(params_of(run).get("tracking-uri", ""))
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).exists()
