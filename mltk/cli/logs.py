"""`mltk logs`: what the steps of a run wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import find_run, run_argument
from mltk.cli.where import Where, place_options
from mltk.errors import NotFound
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.cli.parts import Part
    from mltk.cli.place import Place
    from mltk.tekton.api import Backend
    from mltk.tekton.objects import Obj


@click.command(
    "logs",
    **example(
        "mltk logs wine-x7k2p",
        "mltk logs wine-x7k2p --task train-model --step train -f",
        "mltk logs tr wine-x7k2p-report",
    ),
)
@run_argument
@place_options
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("-t", "--task", default=None, help="Only this task of a PipelineRun.")
@click.option("-s", "--step", default=None, help="Only this step.")
def command(
    words: tuple[str, ...],
    on: Where,
    namespace: str | None,
    follow: bool,
    task: str | None,
    step: str | None,
) -> None:
    """Print the logs of a run.

    Each line comes with its task and step, one task after the other: `fan-0` is a combination of
    the matrix `fan`, `inner/deep` a task of the run within. --task fan and --task inner take all.
    """
    from mltk.cli.place import open_place

    place = open_place(on, namespace)
    backend = place.backend
    run = find_run(place, words)
    printed = 0
    for part in _task_runs(backend, run, follow):
        if task is not None and not part.is_of(task):
            continue
        printed += 1
        for line in _lines(backend, part, step, follow, with_task=run["kind"] == "PipelineRun"):
            click.echo(line)
    if task is not None and not printed:
        raise _no_task(place, run, task)


def _task_runs(backend: Backend, run: Obj, follow: bool, within: str = "") -> Iterator[Part]:
    """The TaskRuns that there are; when following, also those that are still to come."""
    from mltk.cli.parts import direct_parts
    from mltk.tekton.objects import is_done, uid_of

    seen: set[str] = set()
    for newest in _states(backend, run) if follow and not is_done(run) else (run,):
        for part in direct_parts(backend, newest, within):
            if uid_of(part.obj) in seen:
                continue
            seen.add(uid_of(part.obj))
            if part.obj["kind"] == "TaskRun":
                yield part
            elif part.obj["kind"] == "PipelineRun":
                yield from _task_runs(backend, part.obj, follow, f"{part.task}/")


def _states(backend: Backend, run: Obj) -> Iterator[Obj]:
    """A run each time that it has changed, up to its end."""
    from mltk.tekton.objects import is_done, name_of, namespace_of

    if run["kind"] != "PipelineRun":
        yield run
        return
    for event in backend.watch("PipelineRun", namespace_of(run), name=name_of(run)):
        if event.type == "DELETED":
            return
        # Logs take their time: the run may be further on than what was heard of it.
        newest = backend.get("PipelineRun", name_of(run), namespace_of(run))
        yield newest
        if is_done(newest):
            return


def _lines(
    backend: Backend, part: Part, step: str | None, follow: bool, *, with_task: bool
) -> Iterator[str]:
    metadata = part.obj["metadata"]
    for name in _steps(backend, part.obj, step, follow):
        prefix = f"[{part.task} : {name}] " if with_task else f"[{name}] "
        for line in backend.logs(metadata["name"], metadata["namespace"], name, follow=follow):
            yield prefix + line


def _steps(backend: Backend, task_run: Obj, wanted: str | None, follow: bool) -> list[str]:
    """Names of the steps; a TaskRun that is just beginning is waited for when following."""
    from mltk.tekton.objects import is_done

    metadata = task_run["metadata"]
    names = _known_steps(task_run)
    if follow and not names:
        for event in backend.watch("TaskRun", metadata["namespace"], name=metadata["name"]):
            names = _known_steps(event.obj)
            if names or event.type == "DELETED" or is_done(event.obj):
                break
    if wanted is None:
        return names
    if wanted not in names and wanted not in _sidecars(task_run):
        raise NotFound(
            f"TaskRun '{metadata['name']}' has no step '{wanted}'{did_you_mean(wanted, names)}",
            hint=f"its steps: {', '.join(names) or 'none yet'}",
        )
    return [wanted]


def _known_steps(task_run: Obj) -> list[str]:
    from mltk.tekton.objects import is_done, status_of
    from mltk.tekton.specs import step_name

    status = status_of(task_run)
    steps = status.get("taskSpec", {}).get("steps", ())
    names = [step_name(each, index) for index, each in enumerate(steps)]
    if not names and is_done(task_run):
        names = [each["name"] for each in status.get("steps", ())]
    return names or [each["name"] for each in status.get("steps", ())]


def _sidecars(task_run: Obj) -> list[str]:
    """Containers beside the steps, whose logs are there for who asks."""
    from mltk.tekton.objects import status_of

    return [each["container"] for each in status_of(task_run).get("sidecars", ())]


def _no_task(place: Place, run: Obj, task: str) -> NotFound:
    from mltk.cli.parts import task_runs

    known = [each.task for each in task_runs(place.backend, run)]
    return NotFound(
        f"no task '{task}' has run in '{run['metadata']['name']}'{did_you_mean(task, known)}",
        hint=place.mltk(f"describe pr {run['metadata']['name']}"),
    )
