"""What `mltk watch` does: it looks, takes, runs, says what is wrong, and goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from mltk.cli.folder import PROJECT_FILE
from mltk.data.arrivals.delivering import Delivery, in_place
from mltk.data.arrivals.folder import Folder, Seen
from mltk.data.arrivals.found import Storage
from mltk.data.arrivals.gathering import Gathering
from mltk.data.arrivals.recording import standing
from mltk.data.arrivals.reporting import refuse_in_vain, report
from mltk.data.arrivals.wanted import Table, of_folder
from mltk.data.arrivals.watching import Burst, Picked
from mltk.errors import InfrastructureError, MltkError, NotFound
from mltk.project.arriving import seconds
from mltk.project.git import SOMEONE, Repository
from mltk.project.load import load

Deliver = Callable[[tuple[str, ...]], int]
"""Runs models; the exit code."""

_LONGEST_PAUSE = 1.0


class Watching:
    """One folder and one project. The project file is read anew each time data are taken."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        models: Sequence[str],
        changes: Mapping[str, str],
        quiet: float | None,
        longest: float | None,
        push: bool,
    ) -> None:
        self._tree = Repository.at(root)
        self._place = folder
        self._models = models
        self._changes = changes
        self._push = push
        self._said: set[str] = set()
        setting = self._tables(self._tree)[0].setting
        calm = seconds(setting.quiet_period) if quiet is None else quiet
        patience = seconds(setting.longest_wait) if longest is None else longest
        # One that is only given a long quiet period waits at least as long.
        self._rule = Gathering(calm, max(patience, calm) if longest is None else patience)
        self._folder = Folder(folder, 0.0, time.time, self._complain)
        self._warn_of_work()

    def once(self, deliver: Deliver) -> int:
        """Take what is whole by its times, and run the models; the exit code."""
        now = time.time()
        whole = [each for each in self._folder.look() if now - each.modified >= self._rule.quiet]
        delivery = self._take(whole)
        code = deliver(delivery.due) if delivery.due else 0
        refuse_in_vain(delivery)
        return code

    def on(self, deliver: Deliver) -> int:
        """Do so until an interrupt ends it."""
        click.echo(
            f"watching {self._place} for {', '.join(self._names())}; Ctrl-C ends it", err=True
        )
        burst, pause = Burst(self._rule), threading.Event()
        # A process before this one may have died between the data and their run.
        waiting = self._names() if self._has_taken() else ()
        while True:
            try:
                files = burst.look(self._folder.look(), time.monotonic())
                if files:
                    delivery = self._take(files)
                    waiting = tuple(dict.fromkeys((*waiting, *delivery.due)))
                    if any(each.failure or each.put_off for each in delivery.outcomes):
                        burst.put_off(time.monotonic())
                    else:
                        burst.took(files)
            except (MltkError, OSError) as error:
                burst.put_off(time.monotonic())
                self._complain(_words(error))
            waiting = self._deliver(deliver, waiting) if waiting else ()
            pause.wait(min(_LONGEST_PAUSE, max(0.05, self._rule.quiet / 4)))

    def _take(self, files: Sequence[Seen]) -> Delivery:
        picked = Picked(self._folder, files)

        def open_storage(_table: Table) -> Storage:
            return picked

        delivery = in_place(self._tree, self._tables, open_storage, SOMEONE, push=self._push)
        self._said.clear()
        for line in report(delivery):
            click.echo(line, err=True)
        return delivery

    def _deliver(self, deliver: Deliver, models: tuple[str, ...]) -> tuple[str, ...]:
        """Run models; those to try again, since what could not be reached may come back."""
        try:
            code = deliver(models)
        except (InfrastructureError, OSError) as error:
            self._complain(_words(error))
            return models
        except MltkError as error:
            # The same models would fail in the same way until somebody changes the project.
            click.echo(f"warning: {error}", err=True)
            code = error.exit_code
        if code:
            click.echo(f"mltk run ended with {code}; watching on", err=True)
        return ()

    def _tables(self, tree: Repository) -> tuple[Table, ...]:
        project = load(tree.root / PROJECT_FILE)
        return of_folder(project, self._place, self._models, self._changes)

    def _names(self) -> tuple[str, ...]:
        return tuple(name for table in self._tables(self._tree) for name in table.models)

    def _warn_of_work(self) -> None:
        """Say when git takes what arrives for the user's work: a run would keep copies of it."""
        root, place = self._tree.root.resolve(), self._place.resolve()
        if not place.is_relative_to(root) or place == root:
            return
        name = place.relative_to(root).as_posix()
        if self._tree.try_git("check-ignore", "--quiet", f"{name}/") is None:
            self._complain(
                f"{self._place} lies in the project, and git takes what arrives there for your"
                f" work; type: echo /{name}/ >> .gitignore"
            )

    def _has_taken(self) -> bool:
        tree = self._tree
        found = (standing(tree, tree.root, table) for table in self._tables(tree))
        return any(each.ledger.entries for each in found)

    def _complain(self, words: str) -> None:
        """Say what is wrong, once until something has been taken."""
        if words not in self._said:
            self._said.add(words)
            click.echo(f"warning: {words}", err=True)


def _words(error: MltkError | OSError) -> str:
    if isinstance(error, NotFound):
        return f"{error}\nit is looked for again and again"
    if isinstance(error, MltkError):
        return str(error)
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"
