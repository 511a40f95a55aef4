"""`mltk init`: a project from a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example

if TYPE_CHECKING:
    from mltk.project.scaffold import Scaffold


@click.command(
    "init",
    **example(
        "mltk init fruit --data fruit.csv --target ripeness",
        "cd fruit && mltk run",
        "mltk init fruit --data fruit.csv --problem density",
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
@click.option("--target", metavar="COLUMN", help="The column to learn.")
@click.option(
    "--problem",
    default=None,
    help="regression or classification, inferred otherwise; or a kind that learns the rows"
    " themselves, without a target: density, reduction, generative.",
)
@click.option("--name", default=None, help="Name of the project; that of the folder otherwise.")
def command(
    folder: Path, data: Path, target: str | None, problem: str | None, name: str | None
) -> None:
    """Start a project from a table.

    mltk.yaml is inferred from the columns, the data goes under DVC, and a first commit is made.
    """
    from mltk.project.scaffold import init

    made = init(folder, data, target, problem=problem, name=name)
    found = made.inference
    click.echo(f"made {folder} with model '{made.model}'")
    reason = found.reason[0].lower() + found.reason[1:]
    click.echo(f"  target    {found.target or 'none'}: {found.problem}, {reason}")
    click.echo(f"  features  {', '.join(_named(column.name) for column in found.features)}")
    for filled in found.features:
        if filled.missing:
            click.echo(f"  missing   {filled.name}: {filled.missing}, {filled.note}")
    for column in found.left_out:
        click.echo(f"  left out  {column.name}: {column.reason}")
    _tell_of_git(made)
    click.echo(f"next: cd {folder} && mltk run")


def _named(column: str) -> str:
    """The name of a column as one of a list."""
    return f"'{column}'" if "," in column else column


def _tell_of_git(made: Scaffold) -> None:
    """What is not as it should be, and does no harm to the first run."""
    from mltk.project.git import SOMEONE

    if made.around:
        click.echo(
            f"note: nested repository: {made.folder} lies inside the git repository {made.around};"
            " make it a git submodule there, or move it elsewhere",
            err=True,
        )
    if made.anonymous:
        click.echo(
            f"note: git knows no name of yours, so the first commit is by {SOMEONE}; set user.name"
            " and user.email, then type `git commit --amend --reset-author`",
            err=True,
        )
