"""`mltk schema`: what the tables of a project must look like, inferred, shown and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.candidates import complete_model
from mltk.cli.output import output_option, table, write_document
from mltk.errors import ConfigError
from mltk.wording import counted

if TYPE_CHECKING:
    from mltk.data.quality.profile import Profile
    from mltk.data.rows import Table
    from mltk.project.schemafile import Column, ModelSchema
    from mltk.project.spec import Model

_TITLES = ("MODEL", "COLUMN", "TYPE", "EXPECTED", "MISSING")
_LISTED = 6

_models_argument = click.argument(
    "models", nargs=-1, metavar="[MODEL...]", shell_complete=complete_model
)


@click.group("schema", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Say what the tables must look like (mltk.schema.yaml), and check them."""


@command.command("infer", **example("mltk schema infer", "mltk schema infer wine-alcohol"))
@_models_argument
@click.option(
    "--allowance",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    help="By which share of its width to widen the range of a numeric column on either side.",
)
def infer(models: tuple[str, ...], allowance: float) -> None:
    """Infer the schema of models from their tables into mltk.schema.yaml, to be committed.

    A model that is not named keeps what the file has for it. A schema that changed gets the next
    revision.
    """
    from mltk.data.quality.profile import profile
    from mltk.data.quality.schema import infer as inferred
    from mltk.project.schemafile import load_schemas, revised, write_schemas

    root, chosen = _chosen(models)
    kept = dict(load_schemas(root))
    for name, spec in chosen.items():
        found: Profile = profile(_table(root, spec), spec)
        schema = revised(kept.get(name), inferred(found, allowance=allowance))
        what = "as before" if schema == kept.get(name) else f"revision {schema.revision}"
        kept[name] = schema
        columns = counted(len(schema.columns), "column")
        click.echo(f"{name}: {what}, {columns} of {counted(found.rows, 'row')}")
    path = write_schemas(root, kept)
    click.echo(f"wrote {path.name}; commit it, and every run is held against it", err=True)


@command.command("show", **example("mltk schema show", "mltk schema show wine-alcohol -o yaml"))
@_models_argument
@output_option("table", "json", "yaml", jsonpath=True)
def show(models: tuple[str, ...], output: str) -> None:
    """Show what mltk.schema.yaml says of models."""
    root, chosen = _chosen(models)
    schemas = _schemas(root, chosen, asked=models)
    if output != "table":
        document = {name: each.model_dump(mode="json") for name, each in schemas.items()}
        write_document(document, output)
        return
    rows = [
        (name, column, one.type, _expected(one), f"{one.missing:.1%}")
        for name, each in schemas.items()
        for column, one in each.columns.items()
    ]
    click.echo(table(_TITLES, rows))


@command.command("check", **example("mltk schema check", "mltk schema check wine-alcohol -o json"))
@_models_argument
@output_option("table", "json", "yaml", jsonpath=True)
def check(models: tuple[str, ...], output: str) -> None:
    """Hold the tables in the folder against mltk.schema.yaml; ends with 3 when one violates it."""
    from mltk.data.findings import refuse
    from mltk.data.quality.found import FAIL, DataChecks
    from mltk.data.quality.judging import refusals
    from mltk.data.quality.schema import violations
    from mltk.project.checking import SCHEMA_FILE

    root, chosen = _chosen(models)
    schemas = _schemas(root, chosen, asked=models)
    found = {
        name: violations(schema.schema_of_table(), _table(root, chosen[name]), chosen[name])
        for name, schema in schemas.items()
    }
    if output != "table":
        document = {name: list(map(dataclasses.asdict, each)) for name, each in found.items()}
        write_document(document, output)
    for name, each in found.items():
        refuse(refusals(DataChecks(SCHEMA_FILE, FAIL, each), name), chosen[name].data.path)
        if output == "table":
            said = f"{name}: {counted(len(schemas[name].columns), 'column')}"
            click.echo(f"{said} as in {SCHEMA_FILE}, revision {schemas[name].revision}")


def _chosen(names: tuple[str, ...]) -> tuple[Path, Mapping[str, Model]]:
    """Give the folder of the project, and the models that were named, else all of them."""
    from mltk.cli.folder import PROJECT_FILE, find_root
    from mltk.project.load import load
    from mltk.project.request import select

    root = find_root(Path.cwd())
    project = load(root / PROJECT_FILE)
    return root, {name: project.models[name] for name in select(project, names)}


def _schemas(
    root: Path, chosen: Mapping[str, Model], *, asked: tuple[str, ...]
) -> dict[str, ModelSchema]:
    """Give the schemas of the chosen models; one that was asked for by name must be there."""
    from mltk.project.checking import SCHEMA_FILE
    from mltk.project.schemafile import load_schemas

    known = load_schemas(root)
    lacking = [name for name in asked if name not in known]
    if lacking or not any(name in known for name in chosen):
        of = f" of '{lacking[0]}'" if lacking else ""
        hint = " ".join(["mltk schema infer", *lacking])
        raise ConfigError(f"there is no schema{of}", where=SCHEMA_FILE, hint=hint)
    return {name: known[name] for name in chosen if name in known}


def _table(root: Path, spec: Model) -> Table:
    from mltk.data.table import read_table
    from mltk.problems import load_problem

    problem = load_problem(spec.problem)
    problem.check(spec)
    return read_table(root / spec.data.path, spec, problem.target_kind)[0]


def _expected(column: Column) -> str:
    if column.type == "categorical":
        more = ", ..." if len(column.values) > _LISTED else ""
        return ", ".join(column.values[:_LISTED]) + more
    low, high = ("any" if bound is None else f"{bound:g}" for bound in (column.min, column.max))
    outside = f", but for {column.outside:.1%} of the rows" if column.outside else ""
    return f"{low} to {high}{outside}"
