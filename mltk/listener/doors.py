"""Which EventListener a request is for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from mltk.errors import NotFound
from mltk.interceptors.handshakes import Proof, proofs
from mltk.listener.outside import Outside
from mltk.local.store import Store
from mltk.tekton.objects import Obj, annotations_of, name_of, namespace_of
from mltk.tekton.triggers.bindings import Object
from mltk.tekton.triggers.lacks import Known

PATH = "mltk.dev/path"
"""An annotation of an EventListener: the path below which `mltk listen` lets it answer."""

HANDSHAKE = "mltk.dev/handshake"
"""An annotation of an EventListener: `SECRET/KEY, ...`, the tokens of senders that are answered
whether their events are welcome."""

_SECONDS = 0.2


class Doors:
    """EventListeners by the path of a request, as they were a moment ago.

    One that is named, or the only one, answers on every path; each of several below
    ``/NAMESPACE/NAME``. One with the annotation `mltk.dev/path` answers below that, and does not
    count among the others. May be asked by several threads.
    """

    def __init__(
        self,
        store: Store,
        only: tuple[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outside = Outside(store)
        self._only = only
        self._clock = clock
        self._due = 0.0
        self._lock = threading.Lock()
        self._found: Sequence[Obj] = ()

    def all(self) -> Sequence[Obj]:
        """The EventListeners that are served."""
        with self._lock:
            if self._clock() >= self._due:
                if self._outside.refresh():
                    self._found = [*filter(self._is_served, self._outside.listeners())]
                self._due = self._clock() + _SECONDS
            return self._found

    @property
    def known(self) -> Known:
        """What EventListeners refer to."""
        return self._outside.known

    def check(self) -> None:
        """Raise NotFound when there is none."""
        if self.all():
            return
        if self._only:
            namespace, name = self._only
            raise NotFound(
                f"there is no EventListener '{name}' in namespace '{namespace}'",
                hint="`mltk get eventlisteners` lists those that are there.",
            )
        raise NotFound(
            "there is no EventListener to listen for",
            hint="Add one, with what it refers to: mltk apply -f FOLDER",
        )

    def find(self, url: str) -> tuple[Obj, str] | None:
        """The EventListener of a path with its query, and what is left of that for it."""
        everywhere = None
        for each in self.all():
            path = self.path(each)
            left = url.removeprefix(path)
            if path == "/":
                everywhere = each
            elif left != url and left[:1] in ("", "/", "?"):
                return each, left if left.startswith("/") else f"/{left}"
        return (everywhere, url) if everywhere else None

    def path(self, listener: Obj) -> str:
        """Where an EventListener answers; "/" for everywhere that no other one does."""
        if self._only:
            return "/"
        if own := _own_path(listener):
            return own
        if sum(not _own_path(each) for each in self.all()) == 1:
            return "/"
        return f"/{namespace_of(listener)}/{name_of(listener)}"

    def proofs(self, listener: Object) -> Sequence[Proof]:
        """By what a sender proves himself who asks whether his events are welcome."""
        with suppress(ValueError):
            return proofs_of(listener)
        return ()

    def secrets(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """What a Secret holds, None where there is none."""
        with self._lock:
            return self._outside.secrets(namespace, name)

    def _is_served(self, listener: Obj) -> bool:
        return self._only in (None, (namespace_of(listener), name_of(listener)))


def proofs_of(listener: Object) -> Sequence[Proof]:
    """What its annotation names; ValueError for one that names nothing."""
    return proofs(str(annotations_of(dict(listener)).get(HANDSHAKE, "")))


def _own_path(listener: Obj) -> str:
    """The path that an EventListener asks for, in whole segments; "" for none."""
    path = str(annotations_of(listener).get(PATH, "")).rstrip("/")
    return path if path.startswith("/") else ""
