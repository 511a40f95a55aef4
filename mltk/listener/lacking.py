"""What an EventListener lacks, said with what to type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mltk.errors import NotFound
from mltk.listener.doors import HANDSHAKE, proofs_of
from mltk.listener.outside import held
from mltk.tekton.api import Backend
from mltk.tekton.triggers.bindings import Object
from mltk.tekton.triggers.lacks import Known, Lack, lacks
from mltk.tekton.triggers.selection import ALL_NAMESPACES


def lacking(listener: Object, known: Known) -> Iterator[str]:
    """Each thing that keeps triggers of an EventListener from making anything, as a line."""
    yield from _handshake(listener)
    yield from map(_line, lacks(listener, known))


def briefly(listener: Object, known: Known) -> Iterator[str]:
    """The same with one line for all triggers whose Secrets are not there.

    The shipped EventListener has triggers for more hosts than anybody uses, and Tekton says nothing
    of them before an event comes: a trigger without its Secret refuses what it cannot check.
    """
    yield from _handshake(listener)
    found = lacks(listener, known)
    if waiting := [lack for lack in found if lack.secret]:
        names = ", ".join(sorted({lack.secret for lack in waiting}))
        owner = f"EventListener {listener['metadata']['name']}"
        one = len(waiting) == 1
        who = "1 trigger takes" if one else f"{len(waiting)} triggers take"
        until = "its Secret is there" if one else "the Secret of each is there"
        yield f"{owner}: {who} nothing until {until}: {names}"
    yield from (_line(lack) for lack in found if not lack.secret)


def _handshake(listener: Object) -> Iterator[str]:
    try:
        proofs_of(listener)
    except ValueError as error:
        name = listener["metadata"]["name"]
        yield f"EventListener {name}, metadata.annotations: {HANDSHAKE}: {error}"


def _line(lack: Lack) -> str:
    return f"{lack.owner}, {lack.path}: {lack.what}{_remedy(lack)}"


def known(backend: Backend) -> Known:
    """What there is, asked one by one; raises as the backend does where it may not be read."""

    def get(kind: str, namespace: str, name: str) -> Object | None:
        try:
            return backend.get(kind, name, namespace)
        except NotFound:
            return None

    def secrets(namespace: str, name: str) -> Mapping[str, bytes] | None:
        return held(get("Secret", namespace, name))

    def triggers(namespace: str) -> Sequence[Object]:
        return backend.list("Trigger", None if namespace == ALL_NAMESPACES else namespace)

    return Known(get, triggers, secrets)


def _remedy(lack: Lack) -> str:
    if lack.what.startswith(("there is no ", "Error getting Trigger")):
        return "; add it: mltk apply -f FILE"
    if "secret" in lack.what.lower():
        return "; add a Secret with that key: mltk apply -f FILE"
    return ""
