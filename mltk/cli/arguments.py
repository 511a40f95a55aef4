"""`KIND NAME...`, `KIND/NAME` and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from mltk.cli.candidates import complete_object, complete_run
from mltk.cli.names import kind_of, names_of
from mltk.errors import NotFound, UsageError
from mltk.wording import did_you_mean

if TYPE_CHECKING:
    from mltk.cli.place import Place
    from mltk.tekton.kinds import Kind
    from mltk.tekton.objects import Obj

RUNS = ("PipelineRun", "TaskRun")


def params_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-p/--param NAME=VALUE` (repeatable); the command gets `params: dict[str, str]`."""
    return click.option(
        "-p",
        "--param",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_params,
        help="Another value for a param of the pipeline model-delivery, e.g."
        " image=registry/mltk:1; repeatable.",
    )(command)


def words_argument(
    *, required: bool = True, metavar: str = "KIND [NAME...]"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the words that name objects; the command gets `words: tuple[str, ...]`."""
    return click.argument(
        "words", nargs=-1, required=required, metavar=metavar, shell_complete=complete_object
    )


def run_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the words that name one run, for `find_run`; the command gets `words`."""
    return click.argument(
        "words", nargs=-1, required=True, metavar="[KIND] NAME", shell_complete=complete_run
    )(command)


def parse_targets(words: Sequence[str]) -> list[tuple[Kind, str | None]]:
    """Read `KIND`, `KIND NAME...` or `KIND/NAME...`; a kind alone comes with the name None.

    Raises UsageError, with the nearest kind, for a word that is none.
    """
    if any("/" in word for word in words):
        return [_slashed(word) for word in words]
    kind = kind_of(words[0])
    return [(kind, name) for name in words[1:]] or [(kind, None)]


def named_targets(words: Sequence[str]) -> list[tuple[Kind, str]]:
    """Like `parse_targets`, where every object must have a name."""
    found = []
    for kind, name in parse_targets(words):
        if name is None:
            raise UsageError(f"which {kind.singular}?", hint=f"mltk get {kind.plural}")
        found.append((kind, name))
    return found


def get(place: Place, kind: str, name: str) -> Obj:
    """Return the object; NotFound, with the nearest name there is, when it is not there."""
    try:
        return place.backend.get(kind, name, place.namespace)
    except NotFound as error:
        known = names_of(place.backend, kind, place.namespace)
        listing = f"get {kind_of(kind).plural}"
        hint = error.hint and error.hint.replace(f"mltk {listing}", place.mltk(listing))
        raise NotFound(error.what + did_you_mean(name, known), hint=hint) from None


def find_run(place: Place, words: Sequence[str]) -> Obj:
    """Return the run that `[KIND] NAME` or `KIND/NAME` names; a name alone may be of either kind.

    Raises NotFound with the nearest name, and UsageError for words that name no run.
    """
    if len(words) == 1 and "/" not in words[0]:
        return _run_by_name(place, words[0])
    targets = named_targets(words)
    if len(targets) != 1:
        raise UsageError("one run at a time", hint="name one run, as in pr/NAME")
    ((kind, name),) = targets
    if kind.kind not in RUNS:
        raise UsageError(f"a {kind.kind} does not run", hint="name a pipelinerun or a taskrun")
    return get(place, kind.kind, name)


def _params(_ctx: click.Context, _param: click.Parameter, items: tuple[str, ...]) -> dict[str, str]:
    params: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"'{item}' is not NAME=VALUE")
        params[name] = value
    return params


def _run_by_name(place: Place, name: str) -> Obj:
    for kind in RUNS:
        try:
            return place.backend.get(kind, name, place.namespace)
        except NotFound:
            continue
    known: Iterable[str] = [
        each for kind in RUNS for each in names_of(place.backend, kind, place.namespace)
    ]
    raise NotFound(
        f"there is no run '{name}' in namespace '{place.namespace}'{did_you_mean(name, known)}",
        hint=place.mltk("get pipelineruns"),
    )


def _slashed(word: str) -> tuple[Kind, str]:
    kind, slash, name = word.partition("/")
    if not (slash and name):
        raise UsageError(f"'{word}' is not KIND/NAME", hint="write `pr/NAME` or `pr NAME`")
    return kind_of(kind), name
