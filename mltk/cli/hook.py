"""`mltk hook`: a bare repository tells a listener of each push."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mltk.cli.app import example

_repository = click.argument(
    "repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    metavar="[REPO.git]",
)


@click.group("hook", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Let a repository that people push to tell a listener of each push.

    For plain git, without a host such as GitHub or Gitea. The event is signed and has GitHub's
    form, so that the trigger git-push of tekton/triggers takes it.
    """


@command.command(
    "install",
    **example(
        "mltk hook install /srv/git/wine.git --url http://127.0.0.1:8080/ --secret-file hook.secret"
    ),
)
@_repository
@click.option("--url", required=True, help="Address of the listener.")
@click.option(
    "--secret-file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with what events are signed with; read at each push, copied nowhere.",
)
@click.option(
    "--clone-url",
    default=None,
    help="What runs clone; the folder of the repository unless given.",
)
@click.option(
    "--python", default="/usr/bin/env python3", show_default=True, help="What runs the hook."
)
def install(
    repository: Path, url: str, secret_file: Path, clone_url: str | None, python: str
) -> int:
    """Write a post-receive hook; one that is there already runs before it.

    A listener that is down fails no push: the event waits in the repository for the next one.
    """
    from mltk.project import hook

    hook.install(repository, url, secret_file, clone_url, python)
    if why := hook.hidden(clone_url or str(repository.resolve())):
        click.echo(f"warning: {why}", err=True)
    click.echo(f"installed: pushes to {repository} are told to {url}", err=True)
    return 0


@command.command("uninstall", **example("mltk hook uninstall /srv/git/wine.git"))
@_repository
def uninstall(repository: Path) -> int:
    """Take the hook out; the one that was there before comes back."""
    from mltk.project import hook

    left = hook.uninstall(repository)
    click.echo(f"uninstalled{f'; {left} event(s) were never sent' if left else ''}", err=True)
    return 0


@command.command("send", **example("mltk hook send /srv/git/wine.git"))
@_repository
def send(repository: Path) -> int:
    """Send the events that wait because the listener was down; ends with 5 when some still do."""
    from mltk.project import hook

    return 5 if hook.send(repository, sys.stderr) else 0
