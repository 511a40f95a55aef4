"""`mltk get`: objects as a table, JSON, YAML, names or through a JSONPath template."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from mltk.cli.app import example
from mltk.cli.arguments import RUNS, get, parse_targets, words_argument
from mltk.cli.output import output_option, table, to_yaml, write_document
from mltk.cli.where import Where, place_options
from mltk.errors import UsageError

if TYPE_CHECKING:
    from mltk.tekton.api import Backend
    from mltk.tekton.kinds import Kind
    from mltk.tekton.objects import Obj

_QUEUE = ("queue", "queues")
_WATCH_WIDTHS = (48, 12, 12, 12, 12)


@click.command(
    "get",
    **example(
        "mltk get pipelineruns",
        "mltk get pr -l mltk.dev/model=wine -o yaml",
        "mltk get taskruns -w",
        "mltk get pr/wine-x7k2p -o jsonpath='{.status.results[?(@.name==\"verdict\")].value}'",
    ),
)
@words_argument()
@place_options
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@click.option("-l", "--selector", default="", help="Labels to match: a=b, a!=b, a in (b,c), a, !a.")
@click.option("-w", "--watch", is_flag=True, help="Then show every change, until Ctrl-C.")
@output_option(jsonpath=True)
def command(
    words: tuple[str, ...],
    on: Where,
    namespace: str | None,
    all_namespaces: bool,
    selector: str,
    watch: bool,
    output: str,
) -> None:
    """List objects of a kind, or show those named.

    Kinds: pipelineruns (pr), taskruns (tr), customruns, pipelines (p), tasks (t), stepactions,
    resolutionrequests, eventlisteners (el), triggers (tri), triggerbindings (tb),
    clustertriggerbindings (ctb), triggertemplates (tt), interceptors (ni), clusterinterceptors
    (ci), secrets, configmaps (cm), limitranges (limits), persistentvolumeclaims (pvc); and `queue`,
    as `mltk queue list` shows it. Runs come newest first.
    """
    from mltk.cli.place import open_place

    if words[0].lower() in _QUEUE:
        _get_queue(words, on, namespace, output, plain=not (selector or watch), all_=all_namespaces)
        return
    targets = parse_targets(words)
    place = open_place(on, namespace)
    listed = None if all_namespaces else place.namespace
    if watch:
        _watch(place.backend, targets, listed, selector, output)
        return
    objects: Sequence[Obj]
    if named := [(kind, name) for kind, name in targets if name is not None]:
        objects = [get(place, kind.kind, name) for kind, name in named]
    else:
        kind = targets[0][0]
        gc.disable()  # of thousands of objects, all in use, it would find none to free
        enough = output == "name" or (output == "table" and kind.kind in RUNS)
        look = place.backend.summaries if enough else place.backend.list
        objects = look(kind.kind, listed, selector)
        if kind.kind in RUNS:
            objects = objects[::-1]
        if output == "table" and kind.kind == "PipelineRun":
            from mltk.cli.waiting import with_places

            objects = with_places(place.backend, objects, listed)
    single = len(targets) == 1 and targets[0][1] is not None
    write_objects(objects, output, single=single, with_namespace=all_namespaces)


def _get_queue(
    words: Sequence[str], on: Where, namespace: str | None, output: str, *, plain: bool, all_: bool
) -> None:
    """List the queues, which are no objects: they are read from the runs that wait."""
    from mltk.cli.place import open_place
    from mltk.cli.queue_tables import show_queues

    if len(words) > 1 or not plain:
        raise UsageError(
            "queues are listed all together", hint="mltk get queue, or mltk get pr -w for the runs"
        )
    show_queues(open_place(on, namespace), output, all_namespaces=all_)


def write_objects(
    objects: Sequence[Obj], output: str, *, single: bool = False, with_namespace: bool = False
) -> None:
    """Print objects in a format; JSON and YAML hold them in a `List`, unless it is a single one."""
    if output == "table":
        _write_table(objects, with_namespace)
    elif output == "name":
        for obj in objects:
            click.echo(address(obj))
    else:
        write_document(objects[0] if single else as_list(objects), output)


def as_list(objects: Sequence[Obj]) -> Obj:
    """The `List` in which kubectl prints several objects."""
    return {
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {"resourceVersion": ""},
        "items": list(objects),
    }


def address(obj: Obj) -> str:
    """`kind.group/name`, as `kubectl -o name` prints it."""
    group, slash, _ = str(obj["apiVersion"]).partition("/")
    return f"{obj['kind'].lower()}{f'.{group}' if slash else ''}/{obj['metadata']['name']}"


def _write_table(objects: Sequence[Obj], with_namespace: bool) -> None:
    from mltk.cli.columns import columns

    if not objects:
        click.echo("No objects found.", err=True)
        return
    now = datetime.now(UTC)
    shown = columns(objects[0]["kind"], with_namespace=with_namespace)
    click.echo(table(shown.titles, [shown.row(obj, now) for obj in objects]))


def _watch(
    backend: Backend,
    targets: Sequence[tuple[Kind, str | None]],
    namespace: str | None,
    selector: str,
    output: str,
) -> None:
    kinds = {kind.kind for kind, _ in targets}
    if len(kinds) > 1:
        raise UsageError("one kind can be watched at a time")
    names = {name for _, name in targets if name is not None}
    (kind,) = kinds
    if output == "table":
        _write_watch_header(kind)
    for obj in _changes(backend, kind, namespace, selector, names):
        if not names or obj["metadata"]["name"] in names:
            _write_change(obj, output)


def _changes(
    backend: Backend, kind: str, namespace: str | None, selector: str, names: set[str]
) -> Iterator[Obj]:
    only = next(iter(names)) if len(names) == 1 else None
    for event in backend.watch(kind, namespace, selector, name=only):
        if event.type != "DELETED":
            yield event.obj


def _write_watch_header(kind: str) -> None:
    from mltk.cli.columns import columns

    click.echo(_spread(columns(kind).titles))


def _write_change(obj: Obj, output: str) -> None:
    if output == "table":
        from mltk.cli.columns import columns

        click.echo(_spread(columns(obj["kind"]).row(obj, datetime.now(UTC))))
    elif output == "name":
        click.echo(address(obj))
    elif output == "json":
        # A line each, so that a reader need not find the end of an object.
        click.echo(json.dumps(obj, ensure_ascii=False, separators=(",", ":")))
    elif output == "yaml":
        click.echo(f"---\n{to_yaml(obj)}", nl=False)
    else:
        write_document(obj, output)


def _spread(cells: Sequence[str]) -> str:
    spread = (cell.ljust(width) for cell, width in zip(cells, _WATCH_WIDTHS, strict=False))
    return " ".join(spread).rstrip()
