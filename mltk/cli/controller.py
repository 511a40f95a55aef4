"""Tekton's controller in a cluster: runs go on without the command, which only watches them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from mltk.cli.engine import Effort, Observer, Reach, Terms, warnings
from mltk.cli.follow import follow as follow_runs
from mltk.cli.forwarding import in_cluster
from mltk.cli.installation import (
    find_installation,
    require_pipeline,
    require_queue,
    require_shared,
    tracking_address,
    warn_of_another_version,
)
from mltk.errors import MltkError
from mltk.queueing.runs import waits
from mltk.tekton.api import Applied, Backend
from mltk.tekton.objects import Obj, address, is_done, name_of, reason

if TYPE_CHECKING:
    from mltk.cli.documents import Document
    from mltk.cli.engine import Engine
    from mltk.project.git import Repository
    from mltk.project.spec import Project


class _Nothing:
    """The turn of a cluster, where nobody can keep the others out.

    Two commands at the same moment may make two runs of one key; the second registers nothing new.
    """

    def close(self) -> None:
        """Have nothing to give up."""


class Controller:
    """Watches the runs of a cluster; `flags` are those of the command, for what it proposes."""

    runs_go_on = True

    def __init__(self, backend: Backend, flags: str = "") -> None:
        self._backend = backend
        self._flags = flags

    def apply(self, documents: Sequence[Document], namespace: str) -> Sequence[tuple[Obj, Applied]]:
        """Apply in one go: the backend sees to it that a refused object leaves no half."""
        with warnings() as warn:
            return self._backend.apply([each.placed(namespace) for each in documents], warn)

    def create(self, documents: Sequence[Document], namespace: str) -> Sequence[Obj]:
        """Create one after the other, for an API server knows no transactions."""
        made: list[Obj] = []
        with warnings() as warn:
            for each in documents:
                try:
                    with each.blamed():
                        made.append(self._backend.create(each.placed(namespace), warn))
                except MltkError:
                    for obj in made:
                        click.echo(f"note: {address(obj)} was created before that", err=True)
                    raise
        return made

    def turn(self) -> nullcontext[_Nothing]:
        """Hold nothing."""
        return nullcontext(_Nothing())

    def terms(self, project: Project, repository: Repository, namespace: str) -> Terms:
        """Take the commit that the remote has, and the addresses that hold in the cluster."""
        from mltk.project.cluster import published_revision, repo_url

        # What git finds wrong is said first: the user mends it here.
        url = repo_url(project, repository)
        revision = published_revision(repository, url)
        return Terms(revision, url, self.tracking(project, namespace))

    def tracking(self, project: Project, namespace: str) -> str:
        """Take the project's, if pods reach it, else that of the chart."""
        found = find_installation(self._backend, namespace)
        warn_of_another_version(found, namespace)
        given = project.tracking.uri
        return require_shared(given) if given else tracking_address(found, namespace)

    def check_tracking(self, uri: str, where: str) -> None:
        """Refuse what is of this machine alone."""
        require_shared(uri, where)

    def reach(self, uri: str, namespace: str) -> Reach:
        """Forward a port to a Service of the cluster; any other address must be named."""
        service = in_cluster(uri, namespace)
        return Reach(service.forward, service.here) if service else Reach(address=uri)

    def equip(self, namespace: str, runs: Sequence[Obj] = ()) -> None:
        """See that the chart has installed the Pipeline; its image brings everything else.

        Where runs are to wait, also that somebody lets them go.
        """
        require_pipeline(self._backend, namespace)
        if any(map(waits, runs)):
            require_queue(self._backend, namespace)

    def require_attendance(self) -> None:
        """Have Tekton."""

    def tends(self, run: Obj) -> bool:  # noqa: ARG002 - the protocol's
        """Tekton tends every run."""
        return True

    def attends(self, run: Obj) -> bool:  # noqa: ARG002 - the protocol's
        """Tekton attends to every run."""
        return True

    def drive(
        self,
        runs: Sequence[Obj],
        follow: Sequence[Obj],
        observe: Observer,
        effort: Effort,  # noqa: ARG002 - the protocol's
    ) -> None:
        """Watch all of them until they have ended."""
        hint = f"mltk get pipelineruns{self._flags}"
        follow_runs(self._backend, [*runs, *follow], observe, hint=hint)

    def held(self, runs: Sequence[Obj], effort: Effort) -> nullcontext[None]:  # noqa: ARG002
        """Hold nothing: pods need nothing of this machine."""
        return nullcontext()

    def parting(self, run: Obj, *, own: bool) -> str | None:  # noqa: ARG002 - the protocol's
        """Say that the run goes on, and how to stop it."""
        name = name_of(run)
        if is_done(run):
            return f"{name} had ended: {reason(run)}"
        return (
            f"{name} goes on in the cluster; see it end with: mltk wait {name}{self._flags};"
            f" stop it with: mltk cancel {name}{self._flags}"
        )


if TYPE_CHECKING:
    _: type[Engine] = Controller
