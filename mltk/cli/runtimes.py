"""Which runtime the steps of runs get, and what of this machine they share with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mltk.cli.labels import MODEL, REPRODUCES, SEARCHES
from mltk.tekton.objects import Obj, labels_of, params_of

if TYPE_CHECKING:
    from mltk.local.backend import LocalBackend
    from mltk.local.containers import ContainerRuntime
    from mltk.local.layout import Layout
    from mltk.local.process import ProcessRuntime

    AnyRuntime = ProcessRuntime | ContainerRuntime

PROCESS, PLAIN, CONTAINER = "process", "plain", "container"
RUNTIMES = (PROCESS, PLAIN, CONTAINER)
_LABELS = {MODEL, REPRODUCES, SEARCHES}
_SQLITE = "sqlite:///"
# Params of a delivery that may name a folder of this machine.
_PLACES = ("repo-url", "deploy-folder")


def make_runtime(runs: Sequence[Obj], layout: Layout, chosen: str | None) -> AnyRuntime:
    """Make the runtime for `runs`; steps of deliveries start warm."""
    from mltk.cli.warm import WARM
    from mltk.local.containers import ContainerRuntime, find_engine
    from mltk.local.isolation import Isolation
    from mltk.local.process import ProcessRuntime

    if chosen == CONTAINER:
        return ContainerRuntime(find_engine())
    deliveries = [run for run in runs if _LABELS & labels_of(run).keys()]
    warm = WARM if deliveries else ()
    if chosen == PLAIN:
        return ProcessRuntime(warm)
    shared = tuple(dict.fromkeys(_shared(deliveries, layout) if deliveries else ()))
    return ProcessRuntime(warm, isolation=Isolation.of(layout, shared))


def serving_runtime(backend: LocalBackend, chosen: str | None) -> AnyRuntime:
    """Make the runtime for runs that are still to come: deliveries, if this is a project's folder.

    They may write where the deliveries of the store did.
    """
    from mltk.cli.folder import PROJECT_FILE
    from mltk.cli.warm import WARM
    from mltk.local.isolation import Isolation
    from mltk.local.process import ProcessRuntime

    layout = backend.layout
    if chosen == CONTAINER or not (layout.root.parent / PROJECT_FILE).is_file():
        return make_runtime((), layout, chosen)
    if chosen == PLAIN:
        return ProcessRuntime(WARM)
    made = (run for label in (MODEL, SEARCHES) for run in backend.list("PipelineRun", labels=label))
    shared = _shared(tuple(made), layout)
    return ProcessRuntime(WARM, isolation=Isolation.of(layout, tuple(dict.fromkeys(shared))))


def warn_of(runtime: AnyRuntime, chosen: str | None) -> None:
    """Say once what is not kept apart when the kernel does not permit it."""
    if chosen != PLAIN and (why := runtime.plain_because):
        click.echo(
            f"warning: steps are not kept apart from this machine: {why}. They see its files,"
            " processes and network, and have no /workspace and /tekton.\n"
            "  --runtime plain says that you know.",
            err=True,
        )


def _shared(deliveries: Sequence[Obj], layout: Layout) -> Iterator[Path]:
    """Folders that deliveries write to besides their volumes.

    In a cluster these are servers: git with DVC's remote, MLflow, the hosting, the image's cache.
    """
    from mltk.tfjs.node import cache_folder

    yield layout.root.parent
    yield _made(cache_folder())
    for run in deliveries:
        params = params_of(run)
        for name in _PLACES:
            if (place := Path(params.get(name) or "")).is_absolute():
                yield _made(place)
        if (uri := str(params.get("tracking-uri") or "")).startswith(_SQLITE):
            yield Path(uri.removeprefix(_SQLITE)).absolute().parent


def _made(folder: Path) -> Path:
    """A folder can only be shared when it is there; whoever needs it meets what is in its way."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
