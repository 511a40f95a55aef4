"""`mltk watch`: a folder where files arrive, and models are trained on them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mltk.cli.app import example
from mltk.cli.candidates import complete_model
from mltk.cli.duration import DURATION


@click.command(
    "watch",
    **example(
        "mltk watch /srv/incoming",
        "mltk watch inbox --model wine-alcohol --pattern '*.csv' --quiet 30s",
        "mltk watch inbox --once --no-run",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    shell_complete=complete_model,
    help="Model whose table gets the data; those that mltk.yaml names for DIR when not given.",
)
@click.option("--pattern", help="Names that count; *.csv when neither this nor mltk.yaml says it.")
@click.option(
    "--how",
    type=click.Choice(("append", "replace")),
    help="Add the rows to the table, or let the newest file be the table; append by default.",
)
@click.option("--quiet", type=DURATION, help="How long a file must not have changed; 5s.")
@click.option(
    "--longest", type=DURATION, help="How long a burst that does not end is waited for; 60s."
)
@click.option("--once", is_flag=True, help="Take what is there and whole, and end.")
@click.option("--push", is_flag=True, help="Push the data to the DVC remote, and the branch.")
@click.option(
    "--no-run", "run", flag_value=False, default=True, help="Make the data version alone."
)
@click.pass_context
def command(
    context: click.Context,
    folder: Path,
    models: tuple[str, ...],
    pattern: str | None,
    how: Literal["append", "replace"] | None,
    quiet: float | None,
    longest: float | None,
    once: bool,
    push: bool,
    run: bool,
) -> int:
    """Take tables that arrive in a folder into the data, and run the models that learn from them.

    A file is taken when it has not changed for a while; drafts (.part, .tmp and names that begin
    with a dot) are left alone. What was taken is written in git beside the .dvc file, so a file is
    taken once, also when this is begun anew. Each time the new data become a commit of DVC's on the
    branch that is checked out. Ctrl-C ends it; the next one goes on.
    """
    from mltk.cli.folder import find_root
    from mltk.cli.run import command as run_command
    from mltk.cli.watchfulness import Watching

    changes = {"pattern": pattern, "how": how}
    said = {key: value for key, value in changes.items() if value}
    watching = Watching(
        find_root(Path.cwd()), folder.absolute(), models, said, quiet, longest, push
    )

    def deliver(names: tuple[str, ...]) -> int:
        if not run:
            return 0
        with run_command.make_context("run", [*names, "--due"], parent=context) as asked:
            return int(run_command.invoke(asked) or 0)

    return watching.once(deliver) if once else watching.on(deliver)
