"""What `mltk run` is going to do with each model: the plan of many, before it begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Literal

import click

from mltk.cli.labels import MODEL
from mltk.cli.output import short_digest, table, write_document
from mltk.cli.place import Place
from mltk.cli.planning import Plan, existing, state_of
from mltk.tekton.objects import Obj, labels_of, name_of, params_of, uid_of

Action = Literal["run", "up to date", "running"]

_TITLES = ("MODEL", "DATA", "WINDOW", "ACTION", "RUN")


@dataclasses.dataclass(frozen=True)
class Row:
    """One run: what it learns from, whether it is made, and the one that is there."""

    model: str
    data_version: str
    window: str
    action: Action
    run: str

    def as_dict(self) -> dict[str, str]:
        """For `-o json`."""
        return {
            "model": self.model,
            "dataVersion": self.data_version,
            "window": self.window,
            "action": self.action,
            "run": self.run,
        }

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        data = short_digest(self.data_version)
        return self.model, data, self.window or "-", self.action, self.run or "-"


def foreseen(place: Place, manifests: Iterable[Obj], *, force: bool) -> Iterator[Row]:
    """What would be done for each of `manifests`; makes nothing. The turn must be held."""
    for manifest in manifests:
        run = None if force else existing(place, manifest)
        if run is None:
            yield _row(manifest, "run", "")
        else:
            yield _row(manifest, state_of(run), name_of(run))


def decided(planned: Plan) -> Iterator[Row]:
    """What is done, in the order in which it was asked for."""
    new = {uid_of(run) for run in planned.new}
    for run in planned.in_order:
        yield _row(run, "run" if uid_of(run) in new else state_of(run), name_of(run))


def show(rows: Iterable[Row], output: str, *, final: bool) -> None:
    """Print the plan: to stdout where it is all that is asked for, else to stderr."""
    listed = list(rows)
    if final and output == "name":
        for row in listed:
            if row.action != "up to date":
                click.echo(row.model)
    elif final and output != "table":
        write_document([row.as_dict() for row in listed], output)
    else:
        click.echo(table(_TITLES, [row.cells() for row in listed]), err=not final)


def _row(obj: Obj, action: Action, run: str) -> Row:
    params = params_of(obj)
    version, window = str(params.get("data-version", "")), str(params.get("window", ""))
    return Row(labels_of(obj)[MODEL], version, window, action, run)
