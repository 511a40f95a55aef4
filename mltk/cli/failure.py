"""What went wrong, in words on stderr and as an exit code. Never a traceback on the terminal."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

from mltk.errors import MltkError, UsageError, missing_package
from mltk.version import __version__

INTERRUPTED = 130


def report(error: Exception) -> int:
    """Say on stderr what happened, where and what comes next; return the exit code."""
    if isinstance(error, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return _report_usage(error)
    error = missing_package(error) or error
    if isinstance(error, MltkError):
        click.echo(error.describe(), err=True)
        return error.exit_code
    return _report_crash(error)


def _report_usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return UsageError.exit_code
    click.echo(f"error: {error.format_message()}", err=True)
    click.echo(f"hint: {context.command_path if context else 'mltk'} --help", err=True)
    return UsageError.exit_code


def _report_crash(error: Exception) -> int:
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    click.echo(f"error: internal: {summary}", err=True)
    click.echo(f"hint: the details are in {_keep(error)}; please report them", err=True)
    return MltkError.exit_code


def _keep(error: Exception) -> Path:
    """Write the crash report beside the state, or to the folder of temporary files."""
    now = datetime.now(UTC)
    text = "\n".join(
        [
            f"mltk {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"{now:%Y-%m-%dT%H:%M:%SZ} in {_here()}",
            f"mltk {' '.join(sys.argv[1:])}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    name = f"crash-{now:%Y%m%dT%H%M%SZ}.txt"
    for folder in (_state(), Path(tempfile.gettempdir())):
        try:
            path = folder / name
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    return Path("/dev/null")


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # the folder was removed meanwhile
        return Path(tempfile.gettempdir())


def _state() -> Path:
    here = _here()
    for folder in (here, *here.parents):
        if (folder / ".mltk").is_dir():
            return folder / ".mltk"
    return here / ".mltk"
