"""`mltk cancel`: stop a run that another process drives."""

from __future__ import annotations

import click

from mltk.cli.app import example
from mltk.cli.arguments import find_run, namespace_option, run_argument
from mltk.errors import Conflict, UsageError

_GRACES = {"cancel": "Cancelled", "run-finally": "CancelledRunFinally", "stop": "StoppedRunFinally"}


@click.command(
    "cancel",
    **example("mltk cancel wine-x7k2p", "mltk cancel pr/wine-x7k2p --grace run-finally"),
)
@run_argument
@namespace_option
@click.option(
    "--grace",
    type=click.Choice(list(_GRACES)),
    default="cancel",
    show_default=True,
    help="cancel: stop everything at once; run-finally: then run the finally tasks; stop: let"
    " the running tasks end, then run the finally tasks.",
)
def command(words: tuple[str, ...], namespace: str, grace: str) -> None:
    """Cancel a running PipelineRun or TaskRun."""
    from mltk.cli.get import address
    from mltk.cli.place import open_place
    from mltk.local.ownership import Ownership
    from mltk.local.recovery import end_run
    from mltk.tekton.objects import is_done, name_of, reason, uid_of

    backend = open_place().backend
    run = find_run(backend, words, namespace)
    if is_done(run):
        raise Conflict(
            f"{run['kind']} '{name_of(run)}' has ended already ({reason(run)})",
            hint=f"mltk rerun {name_of(run)}",
        )
    status = _GRACES[grace]
    if run["kind"] == "TaskRun":
        if grace != "cancel":
            raise UsageError("only a PipelineRun has finally tasks", hint="leave --grace out")
        status = "TaskRunCancelled"
    backend.patch(run["kind"], name_of(run), namespace, {"spec": {"status": status}})
    owner = Ownership(backend.store.database).owner(uid_of(run))
    if owner is None or not owner.alive:
        # Nobody drives it, so nobody would hear.
        end_run(uid_of(run), backend.store, "Cancelled", f"{run['kind']} was cancelled")
    click.echo(f"{address(run)} cancelled")
