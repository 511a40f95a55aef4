"""What runs inside a Task: `mltk step NAME`, one module a step.

A step reads files and writes files and small results; it knows nothing of what runs it. It ends
with 0, or with the exit code of the error tree and the error as the last lines of stderr.
"""

from __future__ import annotations

import errno
import importlib
import os
import traceback
from typing import Any

import click

from mltk.errors import InfrastructureError, MltkError, missing_package
from mltk.steps.credentials import google_key_as_file

STEPS = {
    "fetch": "mltk.steps.fetch:command",
    "validate": "mltk.steps.validate:command",
    "train": "mltk.steps.train:command",
    "evaluate": "mltk.steps.evaluate:command",
    "export": "mltk.steps.export:command",
    "verify": "mltk.steps.verify:command",
    "gate": "mltk.steps.gate:command",
    "register": "mltk.steps.register:command",
    "deploy": "mltk.steps.deploy:command",
    "report": "mltk.steps.report:command",
    "ingest": "mltk.steps.ingest:command",
    "recall": "mltk.steps.recall:command",
    "compare": "mltk.steps.compare:command",
    "start": "mltk.steps.start:command",
    "plan": "mltk.steps.plan:command",
    "trial": "mltk.steps.trial:command",
    "choose": "mltk.steps.choose:command",
    "tried": "mltk.steps.tried:command",
}

PRELOAD = (
    "matplotlib.backends.backend_agg",
    "mltk.problems.backend",
    "mltk.problems.classification",
    "mltk.problems.density",
    "mltk.problems.generative",
    "mltk.problems.plots",
    "mltk.problems.reduction",
    "mltk.problems.regression",
    "mltk.problems.training",
    "mltk.steps.validate",
    "mltk.steps.train",
    "mltk.steps.trial",
    "mltk.steps.evaluate",
    "mltk.project.load",
)
"""What a process that will fork learning steps imports before: it takes longer than a training.

`mltk.problems.backend` must be there rather than tensorflow itself, because it decides how
TensorFlow computes.
"""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO}
"""Failures of the place that a step writes to, not of the step."""


class StepGroup(click.Group):
    """A command group that imports a step when it is called, and reports its errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the steps in the order in which a run takes them."""
        return list(STEPS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import the step's module; None for a name that is no step."""
        if cmd_name not in STEPS:
            return None
        module, attribute = STEPS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the step; end the process with the error's exit code when it fails."""
        try:
            with google_key_as_file(os.environ):
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except MltkError as error:
            failure = error
        except Exception as error:
            failure = _unexpected(error)
        click.echo(failure.describe(), err=True)
        raise SystemExit(failure.exit_code)


def _unexpected(error: Exception) -> MltkError:
    """Give words to what no step foresaw; the traceback stays in the log, above the error."""
    if (missing := missing_package(error)) is not None:
        return missing
    if isinstance(error, OSError) and error.errno in _DISK:
        return InfrastructureError(
            error.strerror or str(error),
            where=error.filename,
            hint="make room on the disk, or let mltk write there, and run again",
        )
    traceback.print_exception(error)
    return MltkError(f"internal: {type(error).__name__}: {error}")


@click.group(name="step", cls=StepGroup)
def step() -> None:
    """Run one step of a Task (the Tekton Tasks call this)."""
