"""`mltk init`: a project from a table."""

from __future__ import annotations

from pathlib import Path

import click

from mltk.cli.app import example


@click.command(
    "init",
    **example(
        "mltk init fruit --data fruit.csv --target ripeness",
        "cd fruit && mltk run",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--data",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="CSV file with a header; it is copied into the project.",
)
@click.option("--target", required=True, metavar="COLUMN", help="The column to learn.")
@click.option("--problem", default=None, help="regression or classification; inferred otherwise.")
@click.option("--name", default=None, help="Name of the project; that of the folder otherwise.")
def command(folder: Path, data: Path, target: str, problem: str | None, name: str | None) -> None:
    """Start a project from a table.

    mltk.yaml is inferred from the columns, the data goes under DVC, and a first commit is made.
    """
    from mltk.project.scaffold import init

    made = init(folder, data, target, problem=problem, name=name)
    found = made.inference
    click.echo(f"made {folder} with model '{made.model}'")
    click.echo(f"  target    {found.target}: {found.problem}, {found.reason}")
    click.echo(f"  features  {', '.join(column.name for column in found.features)}")
    for column in found.left_out:
        click.echo(f"  left out  {column.name}: {column.reason}")
    click.echo(f"next: cd {folder} && mltk run")
