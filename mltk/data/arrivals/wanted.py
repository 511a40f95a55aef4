"""Which tables of a project wait for data, and which objects are new to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mltk.data.arrivals.found import Found
from mltk.data.arrivals.ledger import Ledger
from mltk.data.arrivals.tables import Shape
from mltk.errors import ConfigError, UsageError
from mltk.project.arriving import Arrival
from mltk.project.spec import Model, Project
from mltk.wording import did_you_mean


@dataclasses.dataclass(frozen=True)
class Table:
    """A table that data arrive for: the models that learn from it, and what mltk.yaml says."""

    path: str
    models: tuple[str, ...]
    setting: Arrival
    shape: Shape


def tables(project: Project, names: Iterable[str] = ()) -> tuple[Table, ...]:
    """The tables that data arrive for, or those of the models `names`.

    UsageError for a model that is not there, ConfigError for one for which no data arrive, and for
    two models that say different things of one table.
    """
    asked = tuple(names)
    for name in asked:
        if name not in project.models:
            raise UsageError(
                f"there is no model '{name}'{did_you_mean(name, project.models)}",
                hint=f"models of this project: {', '.join(project.models)}",
            )
        if project.models[name].arrival is None:
            raise ConfigError(
                f"no data arrive for the model '{name}'",
                where="mltk.yaml",
                hint=f"say where from: models.{name}.arrival.from",
            )
    paths = dict.fromkeys(
        model.data.path
        for name, model in project.models.items()
        if model.arrival and (not asked or name in asked)
    )
    return tuple(_table(project, path) for path in paths)


def of_folder(
    project: Project, folder: Path, names: Sequence[str], changes: Mapping[str, str]
) -> tuple[Table, ...]:
    """The tables that get what arrives in a folder, whatever mltk.yaml says of other places.

    They are those of the models `names`, else of the models whose data arrive there, else the only
    one. `changes` replace what mltk.yaml says of how they arrive. UsageError when it is not clear.
    """
    chosen = tuple(names) or tuple(_in_folder(project, folder))
    if not chosen and len({model.data.path for model in project.models.values()}) == 1:
        chosen = tuple(project.models)
    if not chosen:
        raise UsageError(
            f"it is not clear whose data arrive in {folder}",
            hint=f"name the model: --model {next(iter(project.models))}, or say it in mltk.yaml",
        )
    paths = {project.models[name].data.path for name in chosen if name in project.models}
    models = {
        name: model.model_copy(update={"arrival": _changed(model.arrival, folder, changes)})
        if model.data.path in paths
        else model
        for name, model in project.models.items()
    }
    return tables(project.model_copy(update={"models": models}), chosen)


def _in_folder(project: Project, folder: Path) -> Iterator[str]:
    for name, model in project.models.items():
        if model.arrival and model.arrival.is_folder:
            place = Path(model.arrival.place.removeprefix("file://"))
            if place.resolve() == folder.resolve():
                yield name


def _changed(said: Arrival | None, folder: Path, changes: Mapping[str, str]) -> Arrival:
    given = said.model_dump(by_alias=True) if said else {}
    return Arrival.model_validate({**given, **changes, "from": str(folder)})


def choose(table: Table, found: Iterable[Found], ledger: Ledger) -> list[Found]:
    """The objects to take, in the order in which to try them.

    For `append` all new ones, the oldest first; not what was written anew with the same bytes. For
    `replace` the newest first, down to the one that is the table now: what is older than that has
    been overtaken.
    """
    setting = table.setting
    mine = sorted(
        (each for each in found if setting.counts(each.name) and _is_recent(each, setting)),
        key=lambda each: (each.time.timestamp() if each.time else 0.0, each.uri),
    )
    if setting.how == "append":
        return [
            each
            for each in mine
            if ledger.find(table.path, each) is None
            and ledger.same(table.path, each.uri, each.digest) is None
        ]
    return list(_newer(table, mine, ledger))


def _newer(table: Table, mine: Sequence[Found], ledger: Ledger) -> Iterator[Found]:
    last = ledger.last(table.path)
    for each in reversed(mine):
        known = ledger.find(table.path, each)
        if known is None:
            if last is not None and ledger.same(table.path, each.uri, each.digest) is last:
                return
            yield each
        elif not known.refused:
            # An object that is the table, and is again what it was before.
            if last is not None and last.uri == each.uri and last is not known:
                yield each
            return


def _table(project: Project, path: str) -> Table:
    mine = {name: each for name, each in project.models.items() if each.data.path == path}
    said = {name: each.arrival for name, each in mine.items() if each.arrival}
    first, setting = next(iter(said.items()))
    for name, other in said.items():
        if other != setting:
            raise ConfigError(
                f"the models '{first}' and '{name}' learn from {path}, and say different things of"
                " how its data arrive",
                where="mltk.yaml",
                hint="let one of them say it",
            )
    shape = Shape(mine[first].data.delimiter, _needed(mine.values()))
    return Table(path, tuple(mine), setting, shape)


def _needed(models: Iterable[Model]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for model in models for name in model.columns))


def _is_recent(found: Found, setting: Arrival) -> bool:
    begins = setting.begins
    return begins is None or found.time is None or found.time >= begins
