"""What an EventListener lacks, said with what to type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mltk.errors import NotFound
from mltk.interceptors.handshakes import proofs
from mltk.listener.doors import HANDSHAKE
from mltk.listener.outside import held
from mltk.tekton.api import Backend
from mltk.tekton.triggers.bindings import Object
from mltk.tekton.triggers.lacks import Known, Lack, lacks
from mltk.tekton.triggers.selection import ALL_NAMESPACES


def lacking(listener: Object, known: Known) -> Iterator[str]:
    """Each thing that keeps triggers of an EventListener from making anything, as a line."""
    metadata = listener["metadata"]
    try:
        proofs(str((metadata.get("annotations") or {}).get(HANDSHAKE, "")))
    except ValueError as error:
        yield f"EventListener {metadata['name']}, metadata.annotations: {HANDSHAKE}: {error}"
    for lack in lacks(listener, known):
        yield f"{lack.owner}, {lack.path}: {lack.what}{_remedy(lack)}"


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
