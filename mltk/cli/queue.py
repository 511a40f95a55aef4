"""`mltk queue`: runs that wait for their turn."""

from __future__ import annotations

import signal

import click

from mltk.cli.app import example
from mltk.cli.arguments import run_argument
from mltk.cli.output import FORMATS, output_option
from mltk.cli.where import Where, place_options
from mltk.errors import Conflict, UsageError


@click.group("queue", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """See which runs wait for their turn, and let them go."""


@command.command("list", **example("mltk queue list", "mltk queue list --on cluster -o json"))
@place_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Queues of all namespaces.")
@output_option(*FORMATS, jsonpath=True)
def list_queues(on: Where, namespace: str | None, all_namespaces: bool, output: str) -> None:
    """List the queues in which runs wait or go on.

    How many of each go on, and of how many at most; how many wait, which is next, and since when
    the oldest waits. `mltk describe pr NAME` says what a run waits for.
    """
    from mltk.cli.place import open_place
    from mltk.cli.queue_tables import show_queues

    show_queues(open_place(on, namespace), output, all_namespaces=all_namespaces)


@command.command("release", **example("mltk queue release wine-x7k2p"))
@run_argument
@place_options
def release(words: tuple[str, ...], on: Where, namespace: str | None) -> None:
    """Let a waiting run go now, whatever its turn and the limits are.

    It counts against the limits, so that others wait for it.
    """
    from mltk.cli.arguments import find_run
    from mltk.cli.get import address
    from mltk.cli.place import open_place
    from mltk.queueing.runs import PENDING
    from mltk.tekton.objects import is_done, name_of, namespace_of, spec_of

    place = open_place(on, namespace)
    run = find_run(place, words)
    if is_done(run) or spec_of(run).get("status") != PENDING:
        raise Conflict(
            f"{address(run)} does not wait", hint=place.mltk(f"describe pr {name_of(run)}")
        )
    version = run["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "spec": {"status": None}}
    place.backend.patch(run["kind"], name_of(run), namespace_of(run), patch)
    click.echo(f"{address(run)} released")


@command.command("run", **example("mltk queue run --on cluster", "mltk queue run --on cluster -A"))
@place_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Tend the queues of all namespaces.")
def run(on: Where, namespace: str | None, all_namespaces: bool) -> None:
    """Let the waiting runs of a cluster go when their turn comes, until a signal ends it.

    The chart does that with `queue.enabled`. On this machine it needs no command: whatever drives
    runs (`mltk run`, `mltk serve`) tends their queues. Several at once, and one that is killed at
    any moment, do no harm.
    """
    from mltk.cli.place import open_place
    from mltk.queueing.dispatcher import Dispatcher

    if not on.cluster:
        raise UsageError(
            "on this machine the queues are tended by whoever drives the runs",
            hint="mltk serve, or for a cluster: mltk queue run --on cluster",
        )
    place = open_place(on, namespace)
    tended = None if all_namespaces else place.namespace
    dispatcher = Dispatcher(place.backend, tended, say=lambda text: click.echo(text, err=True))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: dispatcher.stop())
    where = "all namespaces" if tended is None else f"namespace {tended}"
    click.echo(f"tending the queues of {where}; Ctrl-C ends it", err=True)
    dispatcher.run()
