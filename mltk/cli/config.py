"""`mltk config`: the project file as mltk reads it, and its schema."""

from __future__ import annotations

from pathlib import Path

import click

from mltk.cli.app import example
from mltk.cli.output import output_option, write_document


@click.group("config", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Show the project file, or its schema."""


@command.command("show", **example("mltk config show", "mltk config show -o json"))
@output_option("yaml", "json", jsonpath=True)
def show(output: str) -> None:
    """Print mltk.yaml with every default filled in."""
    from mltk.cli.folder import PROJECT_FILE, find_root
    from mltk.project.load import load

    project = load(find_root(Path.cwd()) / PROJECT_FILE)
    write_document(project.model_dump(mode="json", exclude_none=True), output)


@command.command("schema", **example("mltk config schema > mltk.schema.json"))
def schema() -> None:
    """Print the JSON Schema of mltk.yaml."""
    from mltk.project.schema import shipped

    click.echo(shipped(), nl=False)
