"""The engine in this process: runs live as long as the command that made them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

from mltk.cli.engine import Effort, Observer, Reach, Terms, note, warnings
from mltk.cli.turn import Turn
from mltk.errors import ConfigError, UsageError
from mltk.tekton.api import Applied
from mltk.tekton.objects import Obj, is_done, name_of, namespace_of, reason, uid_of

if TYPE_CHECKING:
    from mltk.cli.documents import Document
    from mltk.cli.engine import Engine
    from mltk.cli.runtimes import AnyRuntime
    from mltk.local.backend import LocalBackend
    from mltk.project.git import Repository
    from mltk.project.spec import Project

_MOST_JOBS = 8
_LOCK = "run.lock"


def default_jobs() -> int:
    """As many TaskRuns at a time as there are processors, at least 2 and at most 8."""
    return max(2, min(_MOST_JOBS, os.cpu_count() or 1))


class EmbeddedEngine:
    """Drives the runs of the store of `backend`.

    As a `guest` it works for the server of another folder, perhaps from within one of its steps,
    where no process of this machine can be seen: what that server has is the server's.
    """

    runs_go_on = False

    def __init__(self, backend: LocalBackend, *, guest: bool = False) -> None:
        self._backend = backend
        self._held: AnyRuntime | None = None
        self._guest = guest

    def apply(self, documents: Sequence[Document], namespace: str) -> Sequence[tuple[Obj, Applied]]:
        """Apply in one transaction, one by one so that a mistake is found in its file."""
        with warnings() as warn, self._backend.store.transaction():
            done: list[tuple[Obj, Applied]] = []
            for each in documents:
                with each.blamed():
                    done += self._backend.apply([each.placed(namespace)], warn)
        return done

    def create(self, documents: Sequence[Document], namespace: str) -> Sequence[Obj]:
        """Create in one transaction: a mistake in the last object leaves no half."""
        with warnings() as warn, self._backend.store.transaction():
            made = []
            for each in documents:
                with each.blamed():
                    made.append(self._backend.create(each.placed(namespace), warn))
        return made

    def turn(self) -> Turn:
        """Keep other commands of this folder from deciding until the engine has the new runs."""
        return Turn(self._backend.layout.root / _LOCK)

    def terms(self, project: Project, repository: Repository, namespace: str) -> Terms:
        """Take the work tree as it is; what is not committed becomes a snapshot."""
        from mltk.project.request import revision_of

        home = self._backend.layout.root.parent
        uri = self.tracking(project, namespace)
        if repository.root == home.resolve():
            return Terms(revision_of(repository), None, uri)
        # A clone that is soon gone: its commit is cloned again from where it came.
        origin = (repository.try_git("config", "--get", "remote.origin.url") or "").strip()
        if not origin or repository.is_dirty():
            raise ConfigError(
                "another folder's engine clones the project, and here "
                + ("is work that is not committed" if origin else "is no remote 'origin'"),
                where=str(repository.root),
                hint="commit and push, or leave out --on local:DIR",
            )
        return Terms(repository.head(), origin, uri, home)

    def tracking(self, project: Project, namespace: str) -> str:  # noqa: ARG002 - the protocol's
        """Take the project's, else the database of the folder."""
        from mltk.project.compile import tracking_uri

        return tracking_uri(project, self._backend.layout.root.parent)

    def check_tracking(self, uri: str, where: str) -> None:
        """Take whatever this machine reaches."""

    def reach(self, uri: str, namespace: str) -> Reach:  # noqa: ARG002 - the protocol's
        """Go straight there: runs of this machine reach what it reaches."""
        return Reach()

    def equip(self, namespace: str, runs: Sequence[Obj] = ()) -> None:
        """Look for Node.js and MLflow, and put the shipped Tasks and Pipeline into the store."""
        from mltk.cli.readiness import require
        from mltk.cli.shipped import install

        if runs:
            require(runs)
        install(self._backend, namespace)

    def require_attendance(self) -> None:
        """Look for a server of the folder."""
        if not self._is_served():
            folder = self._backend.layout.root.parent
            raise UsageError(
                "--no-wait needs somebody who drives the runs, and nothing serves this folder",
                where=str(folder) if self._guest else None,
                hint="leave out --no-wait, type `mltk serve` first"
                + (" in that folder" if self._guest else ", or --on cluster"),
            )

    def tends(self, run: Obj) -> bool:
        """Whether its process lives, or a server. The turn must be held."""
        from mltk.local.recovery import end_run

        if self.attends(run):
            return True
        if self._guest:  # its process may be one that cannot be seen from here
            return False
        # Made by a process that died before its engine began; nobody else can hold it now.
        end_run(uid_of(run), self._backend.store)
        return False

    def attends(self, run: Obj) -> bool:
        """Whether its process lives, or that of a server, which takes what nobody has."""
        from mltk.local.ownership import Ownership

        owner = Ownership(self._backend.store.database).owner(uid_of(run))
        return (owner is not None and owner.alive) or self._is_served()

    def _is_served(self) -> bool:
        from mltk.local.office import is_served
        from mltk.local.ownership import Ownership

        if self._guest:
            return is_served(self._backend.layout.office)
        return Ownership(self._backend.store.database).controller is not None

    def drive(
        self, runs: Sequence[Obj], follow: Sequence[Obj], observe: Observer, effort: Effort
    ) -> None:
        """Run `runs` here, then wait for those that other processes run.

        On Ctrl-C the runs are cancelled, those followed go on, and KeyboardInterrupt is raised.
        """
        if runs:
            self._run(runs, observe, effort)
        if follow:
            from mltk.cli.follow import follow as follow_runs

            follow_runs(self._backend, follow, observe)

    @contextmanager
    def held(self, runs: Sequence[Obj], effort: Effort) -> Iterator[None]:
        """Keep one runtime, whose steps start warm: importing takes longer than small models."""
        with self._runtime(runs, effort) as self._held:
            try:
                yield
            finally:
                self._held = None

    def parting(self, run: Obj, *, own: bool) -> str | None:
        """Tell what Ctrl-C has cancelled from what goes on or had ended."""
        name = name_of(run)
        if not own:
            return f"{name} goes on in its own process; stop it with: mltk cancel {name}"
        from mltk.cli.outcome import CANCELLED

        if reason(run) in CANCELLED:
            return f"{name} was cancelled; go on with: mltk rerun {name}"
        return f"{name} had ended: {reason(run)}" if is_done(run) else None

    def _run(self, runs: Sequence[Obj], observe: Observer, effort: Effort) -> None:
        from mltk.local.engine import Engine as Driver
        from mltk.project.key import environment
        from mltk.queueing.attendant import Attendant

        with (
            self._runtime(runs, effort) as runtime,
            Attendant(self._backend, note) as attendant,
        ):
            driver = Driver(
                self._backend.store,
                runtime,
                layout=self._backend.layout,
                jobs=effort.jobs or effort.parallel or default_jobs(),
                observer=_both(observe, attendant.observe),
                environment=environment(),
                cache=effort.cache,
            )
            for (kind, namespace), group in groupby(runs, _kind_and_namespace):
                names = [name_of(run) for run in group]
                driver.run(names, namespace, kind=kind, at_once=effort.parallel)

    @contextmanager
    def _runtime(self, runs: Sequence[Obj], effort: Effort) -> Iterator[AnyRuntime]:
        from mltk.cli.runtimes import make_runtime, warn_of

        if self._held is not None:
            yield self._held
            return
        with make_runtime(runs, self._backend.layout, effort.runtime) as runtime:
            if effort.warm:
                runtime.prewarm()
            warn_of(runtime, effort.runtime)
            yield runtime


def _both(one: Observer, other: Observer) -> Observer:
    def observe(obj: Obj) -> None:
        one(obj)
        other(obj)

    return observe


def _kind_and_namespace(run: Obj) -> tuple[str, str]:
    return run["kind"], namespace_of(run)


if TYPE_CHECKING:
    _: type[Engine] = EmbeddedEngine
