"""Who takes runs to their end: the engine in this process, or Tekton's controller in a cluster.

Commands are written once over `mltk.tekton.api.Backend`; what differs beyond its verbs is here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from mltk.tekton.api import Applied, Warn
from mltk.tekton.objects import Obj

if TYPE_CHECKING:
    from mltk.cli.documents import Document
    from mltk.project.git import Repository
    from mltk.project.spec import Project

Observer = Callable[[Obj], None]


@contextmanager
def warnings() -> Iterator[Warn]:
    """Say at the end, as kubectl does, what was found; of what is refused only why it is."""
    found: list[str] = []
    yield found.append
    for text in dict.fromkeys(found):
        click.echo(f"warning: {text}", err=True)


def note(text: str) -> None:
    """Say something beside what a command is asked for."""
    click.echo(f"note: {text}", err=True)


@dataclasses.dataclass(frozen=True)
class Effort:
    """How the engine of this machine works; a cluster has its own ways.

    `jobs` TaskRuns at a time; `cache` restores what was done before; `warm` starts importing what
    steps need at once, which is a waste when most will be restored. `runtime` is what steps are.
    At most `parallel` runs go on at once; None for all of them.
    """

    jobs: int | None = None
    cache: bool = True
    warm: bool = True
    runtime: str | None = None
    parallel: int | None = None


@dataclasses.dataclass(frozen=True)
class Terms:
    """What the runs of a project have in common: a commit, where to clone it, where to record.

    `repo_url` is None when the Tasks can clone the folder itself. `home` is the folder of this
    machine whose engine runs them, where that is not the one that is cloned.
    """

    revision: str
    repo_url: str | None
    tracking_uri: str
    home: Path | None = None


@dataclasses.dataclass(frozen=True)
class Reach:
    """How to get to a run's tracking: what to type first, and its address if it must be named."""

    forward: str = ""
    address: str = ""


class Released(Protocol):
    """A turn that can be given up early."""

    def close(self) -> None:
        """Let the next one decide."""


class Engine(Protocol):
    """What the commands ask of the one who drives the runs."""

    runs_go_on: bool
    """Whether runs go on without this command."""

    def apply(self, documents: Sequence[Document], namespace: str) -> Sequence[tuple[Obj, Applied]]:
        """Apply all or none; an error says which document is to blame, as far as that is known."""

    def create(self, documents: Sequence[Document], namespace: str) -> Sequence[Obj]:
        """Create all or none, as far as that can be."""

    def turn(self) -> AbstractContextManager[Released]:
        """Hold it while looking which runs are new and making them."""

    def terms(self, project: Project, repository: Repository, namespace: str) -> Terms:
        """What new runs are made from; ConfigError when runs there could not have it."""

    def tracking(self, project: Project, namespace: str) -> str:
        """Where runs of the project are tracked, as they reach it."""

    def check_tracking(self, uri: str, where: str) -> None:
        """Raise ConfigError for tracking that runs there could not reach; `where` it was said."""

    def reach(self, uri: str, namespace: str) -> Reach:
        """How this machine gets to the tracking of runs in `namespace`."""

    def equip(self, namespace: str, runs: Sequence[Obj] = ()) -> None:
        """See that runs of models will find what they need; `runs` are those not made yet.

        Raises InfrastructureError that says what to install or to start.
        """

    def require_attendance(self) -> None:
        """Raise UsageError where nobody would drive runs that are made and left alone."""

    def tends(self, run: Obj) -> bool:
        """Whether somebody takes this unfinished run to its end; one that nobody does is ended."""

    def attends(self, run: Obj) -> bool:
        """Whether somebody takes this unfinished run to its end, as things are."""

    def drive(
        self, runs: Sequence[Obj], follow: Sequence[Obj], observe: Observer, effort: Effort
    ) -> None:
        """Take `runs` to their end and wait for those in `follow`, showing every change."""

    def held(self, runs: Sequence[Obj], effort: Effort) -> AbstractContextManager[None]:
        """Keep ready in the block what the steps of `runs` need, driven in several goes."""

    def parting(self, run: Obj, *, own: bool) -> str | None:
        """What to say of `run` after Ctrl-C; `own` when this command made it."""
