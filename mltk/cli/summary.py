"""The end of a run in words: a table, why something failed, and where to look next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from mltk.cli.duration import exact
from mltk.cli.get import address
from mltk.cli.obstacle import read
from mltk.cli.outcome import CANCELLED, Outcome, exit_code, last_words
from mltk.cli.output import short_digest, table, write_document
from mltk.cli.place import Place
from mltk.errors import ConfigError, MltkError
from mltk.tekton.objects import Obj
from mltk.tekton.verdicts import is_mistake
from mltk.wording import amount

_TITLES = (
    "MODEL", "RUN", "STATUS", "VERDICT", "VERSION", "ALIAS", "METRIC", "CHAMPION", "TIME", "DIGEST",
)  # fmt: skip


def finish(place: Place, outcomes: Sequence[Outcome], output: str) -> int:
    """Say how runs ended, in the format that was asked for; return the exit code."""
    if output == "table":
        write_summary(place, outcomes)
    elif output == "name":
        for each in outcomes:
            click.echo(f"{each.kind.lower()}.tekton.dev/{each.run}")
    else:
        write_document([each.as_dict() for each in outcomes], output)
    return exit_code(outcomes)


def announce(runs: Sequence[Obj], output: str) -> None:
    """Print objects that were made, or found, and that nobody here waits for."""
    if output in ("table", "name"):
        for obj in runs:
            click.echo(address(obj))
    else:
        write_document([dict(obj) for obj in runs], output)


def write_summary(place: Place, outcomes: Sequence[Outcome]) -> None:
    """Print what became of the runs to stdout; failures with their last words to stderr."""
    if not outcomes:
        return
    for each in outcomes:
        for line in failure_lines(place, each):
            click.echo(line, err=True)
    models = [each for each in outcomes if each.model]
    if models:
        click.echo(table(_TITLES, [_row(each) for each in models]))
        for line in reason_lines(models):
            click.echo(line)
    else:
        rows = [(each.run, each.status) for each in outcomes]
        click.echo(table(("RUN", "STATUS"), rows))
    click.echo("")
    for line in next_lines(place, outcomes):
        click.echo(line)


def failure_lines(place: Place, found: Outcome) -> Iterator[str]:
    """Why a run did not end well: the step's last words, or what the gate found."""
    if found.failure is None:
        if found.verdict == "fail":
            yield f"{found.model or found.run}: the gate said no: {found.reason}"
        return
    failed = found.failure
    parts = (("task", failed.task), ("step", failed.step))
    blamed = ", ".join(f"{what} {name}" for what, name in parts if name)
    said = ": ".join(filter(None, (found.model or found.run, found.status, blamed)))
    obstacle = read(failed.message)
    yield f"{said}: {obstacle.what if obstacle else failed.message}"
    if obstacle:
        yield f"  {obstacle.hint}"
    # What a step said last before it was ended is no reason of anything.
    if failed.step and found.status not in CANCELLED:
        last = _log_end(place, found.namespace, failed.task_run, failed.step)
        yield from (f"  {line}" for line in last)
    task = f" --task {failed.task}" if failed.task else ""
    yield f"  {place.mltk(f'logs {found.run}{task}')}"
    yield f"  {_remedy(place, found)}"


def reason_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What the gate found of models that it let pass; of the others `failure_lines` says it."""
    for each in outcomes:
        if each.failure is None and each.verdict not in ("", "fail") and each.reason:
            yield f"{each.model}: {each.reason}"


def next_lines(place: Place, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Commands that show more."""
    first = outcomes[0]
    kind = "pr" if first.kind == "PipelineRun" else "tr"
    yield f"next: {place.mltk(f'describe {kind} {first.run}')}"
    if first.model:
        yield f"      {place.mltk(f'logs {first.run} --task report')}"
    uri = next((each.tracking_uri for each in outcomes if each.tracking_uri), "")
    reach = place.engine.reach(uri, first.namespace)
    if reach.forward:
        yield f"      {reach.forward}"
    if any(each.version for each in outcomes):
        # Said outright, for tracking.uri of mltk.yaml would go before the environment.
        here = reach.address
        yield f"      mltk models list{f' --tracking-uri {here}' if here else ''}"
    if uri and not reach.forward:
        yield f"      {tracking_command(uri)}"


def tracking_command(uri: str) -> str:
    """Where to see the tracking: the server's page, or the command that serves a database."""
    if uri.startswith(("http://", "https://")):
        return f"open {uri}"
    return f"mlflow ui --backend-store-uri {uri}"


def _remedy(place: Place, found: Outcome) -> str:
    # A rerun asks for the same, which still holds the mistake.
    if found.model and found.exit_code == ConfigError.exit_code:
        return f"correct it, then: {place.mltk('run')}"
    if found.failure is not None and is_mistake(found.status, found.failure.message):
        return f"correct it, then: {place.mltk('create -f FILE')}"
    note = "    (goes on from the task that failed)" if found.resumes else ""
    return f"{place.mltk(f'rerun {found.run}')}{note}"


def against(champion: Mapping[str, Any]) -> str:
    """How a model stands to the champion on the same rows, as a cell of a table."""
    if not champion:
        return "-"
    whose, gain = f"version {champion['version']}", champion.get("improvement")
    if champion.get("champion") is not None:
        whose = f"{champion['metric']} {amount(champion['champion'])} of {whose}"
    return f"{champion['outcome']}{f' by {amount(abs(gain))}' if gain else ''} ({whose})"


def _row(found: Outcome) -> list[str]:
    metric = next(iter(found.metrics.items()), None)
    return [
        found.model,
        found.run,
        found.status,
        found.verdict or "-",
        found.version or "-",
        found.alias or "-",
        f"{metric[0]}={metric[1]:.4g}" if metric else "-",
        against(found.champion),
        "-" if found.seconds is None else exact(found.seconds),
        short_digest(found.digest) or "-",
    ]


def _log_end(place: Place, namespace: str, task_run: str, step: str) -> list[str]:
    try:
        return last_words(list(place.backend.logs(task_run, namespace, step)))
    except MltkError:
        return []  # a log that is gone must not hide the failure
