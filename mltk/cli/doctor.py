"""`mltk doctor`: what this machine and this project lack, and what to type."""

from __future__ import annotations

from pathlib import Path

import click

from mltk.cli.app import example
from mltk.cli.output import in_colour, output_option, write_document
from mltk.cli.where import Where, place_options

_COLOURS = {"ok": "green", "warn": "yellow", "missing": "red"}


@click.command(
    "doctor", **example("mltk doctor", "mltk doctor --on cluster", "mltk doctor -o json")
)
@click.option("-q", "--quiet", is_flag=True, help="Only what is not in order.")
@place_options
@output_option("table", "json", "yaml")
def command(quiet: bool, on: Where, namespace: str | None, output: str) -> int:
    """Check this machine and the project, or a cluster.

    Looks at Python, git, DVC, Node.js, TensorFlow, MLflow, the disk, mltk.yaml and its data; with
    --on cluster at the API server, Tekton, the chart, what you may do, volumes and MLflow there.
    Ends with 0 when all that a run needs is there, with 3 when mltk.yaml or the data must be
    corrected, with 5 when something must be installed or started.
    """
    from mltk.cli.examination import MISSING, OK, examine

    if on.cluster:
        from mltk.cli.cluster_examination import examine_cluster

        findings = list(examine_cluster(on, namespace))
    else:
        findings = examine(Path.cwd())
    if output != "table":
        write_document([each.as_dict() for each in findings], output)
    else:
        for each in findings:
            if quiet and each.state == OK:
                continue
            state = f"{each.state:<8}"
            shown = click.style(state, fg=_COLOURS[each.state]) if in_colour() else state
            click.echo(f"{shown}{each.what:<14}{each.found}".rstrip())
            if each.hint:
                click.echo(f"{'':<22}{each.hint}")
    return max((each.exit_code for each in findings if each.state == MISSING), default=0)
