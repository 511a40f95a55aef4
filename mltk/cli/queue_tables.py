"""The queues in which runs wait, for `mltk queue list` and `mltk get queue`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mltk.cli.output import table, write_document

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.queueing.standing import QueueLine

_TITLES = ("QUEUE", "RUNNING", "WAITING", "PROJECT", "NEXT", "OLDEST WAITS")


def show_queues(place: Place, output: str, *, all_namespaces: bool) -> None:
    """Print the queues of the namespace, or of all."""
    from mltk.queueing.standing import queue_lines, queued_runs

    listed = None if all_namespaces else place.namespace
    lines = queue_lines(queued_runs(place.backend.list("PipelineRun", listed)))
    if output == "name":
        for line in lines:
            click.echo(f"queue/{line.queue}")
    elif output != "table":
        write_document([_as_dict(line) for line in lines], output)
    elif lines:
        click.echo(_table(lines, with_namespace=all_namespaces))
    else:
        click.echo("No run waits: `limits` of mltk.yaml makes runs wait", err=True)


def _table(lines: Sequence[QueueLine], *, with_namespace: bool) -> str:
    now = datetime.now(UTC)
    rows = [_row(line, now) for line in lines]
    if not with_namespace:
        return table(_TITLES, rows)
    named = [[line.namespace, *row] for line, row in zip(lines, rows, strict=True)]
    return table(("NAMESPACE", *_TITLES), named)


def _row(line: QueueLine, now: datetime) -> list[str]:
    from mltk.cli.duration import rough

    return [
        line.queue,
        _share(line.running, line.limit),
        str(line.waiting),
        f"{line.project or '-'} {_share(line.project_running, line.project_limit)}",
        line.next or "-",
        rough((now - line.oldest).total_seconds()) if line.oldest else "-",
    ]


def _share(running: int, limit: int | None) -> str:
    return f"{running} of {limit}" if limit is not None else str(running)


def _as_dict(line: QueueLine) -> dict[str, Any]:
    from mltk.tekton.objects import format_time

    return {
        "namespace": line.namespace,
        "project": line.project,
        "queue": line.queue,
        "running": line.running,
        "waiting": line.waiting,
        "limit": line.limit,
        "projectRunning": line.project_running,
        "projectLimit": line.project_limit,
        "next": line.next,
        "oldestWaitingSince": format_time(line.oldest) if line.oldest else None,
    }
