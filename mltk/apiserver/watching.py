"""Changes as they happen, a line of JSON for each.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from mltk.apiserver import answers
from mltk.apiserver.collections import Change, Collection, View, horizon
from mltk.apiserver.forms import Form, form_of
from mltk.apiserver.request import Request, Target
from mltk.apiserver.selection import Selection, selection
from mltk.apiserver.statuses import ApiError, bad_request, expired
from mltk.apiserver.wakeups import Feed, Wakeups
from mltk.local.store import Store

_BOOKMARK_SECONDS = 60.0
# Between half an hour and an hour, as an API server does it, so that clients do not come at once.
_SHORTEST, _LONGEST = 1800, 3600
_INITIAL_END = "k8s.io/initial-events-end"


@dataclass
class Watch:
    """What one client has been told."""

    collection: Collection
    chosen: Selection
    form: Form
    since: int
    seconds: float
    bookmarks: bool
    tracks: bool
    known: set[str] = field(default_factory=set)
    over: bool = False

    def lines(self) -> Iterator[str]:
        """Events for what has happened since the last time, up to now."""
        chosen = self.chosen
        for change in self.collection.changes(self.since, chosen.namespace, chosen.name):
            self.since = change.version
            if (type_ := self._type(change)) is not None:
                yield _event(type_, self.form.event(change.text))

    def initial(self, version: int) -> Iterator[str]:
        """ADDED for each object that is there, which is how things stand at `version`."""
        chosen = self.chosen
        for row in self.collection.rows(chosen.namespace, chosen.name, None, -1, ()):
            if chosen.matches(row.labels, row.text):
                self.known.add(f"{row.namespace}/{row.name}")
                yield _event("ADDED", self.form.event(row.text))
        self.since = version

    def bookmark(self, *, initial: bool = False) -> str:
        """An event that tells where the client stands."""
        metadata: dict[str, object] = {"resourceVersion": str(self.since)}
        if initial:
            metadata["annotations"] = {_INITIAL_END: "true"}
        return _event("BOOKMARK", self.form.bookmark(metadata))

    def note_matching(self) -> None:
        """Remember what is selected now, to tell when something no longer is."""
        if self.tracks:
            for _ in self.initial(self.since):
                pass

    def _type(self, change: Change) -> str | None:
        """What the change is to this client: an object may come into its selection and leave it."""
        key = f"{change.namespace}/{change.name}"
        if change.type == "DELETED":
            known = key in self.known
            self.known.discard(key)
            meant = known or self.chosen.matches(change.labels, change.text)
            return "DELETED" if meant else None
        if self.chosen.matches(change.labels, change.text):
            new = self.tracks and key not in self.known
            self.known.add(key)
            return "ADDED" if new else change.type
        if key in self.known:
            self.known.discard(key)
            return "DELETED"
        return None


def begin(request: Request, target: Target, collection: Collection, store: Store) -> Watch:
    """The watch that a request asks for; raises the refusal of a version that is forgotten."""
    chosen = selection(request, target)
    text = request.query.get("resourceVersion", "")
    if text and not text.isdigit():
        raise bad_request(f"invalid resource version {text[:40]!r}")
    since = int(text or 0)
    if since and since < (oldest := horizon(store)):
        raise expired(f"too old resource version: {since} ({oldest})")
    return Watch(
        collection,
        chosen,
        form_of(request, target.resource),
        since,
        request.number("timeoutSeconds") or random.uniform(_SHORTEST, _LONGEST),  # noqa: S311
        request.flag("allowWatchBookmarks"),
        # What changes of a view is that of other objects, so only this tells what is new.
        chosen.selective or isinstance(collection, View),
    )


async def stream(
    watch: Watch,
    first: bytes,
    wakeups: Wakeups,
    store: Store,
    *,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[bytes]:
    """The lines of a watch, after those at `first`, until its time is up or the server ends."""
    clock = clock or asyncio.get_running_loop().time
    end = clock() + watch.seconds
    # Headers tell the client that it watches, also when there is nothing to tell yet.
    yield first
    feed = Feed(lambda: _next(watch, store), lambda: _bookmark(watch, store), _BOOKMARK_SECONDS)
    wakeups.add(feed)
    try:
        while not wakeups.closed and (left := end - clock()) > 0:
            try:
                told = await asyncio.wait_for(feed.chunks.get(), left)
            except TimeoutError:
                return
            if told is None:
                return
            yield told
            if watch.over:
                return
    finally:
        wakeups.remove(feed)


def first(watch: Watch, store: Store, initial: bool) -> bytes:
    """What comes at once: without a version, or when it is asked for, all there is.

    With `initial` the client is told when it has all that was there at the beginning.
    """
    version = store.revision
    if watch.since and not initial:
        since = watch.since
        watch.note_matching()
        watch.since = since
        return _encoded(watch.lines())
    told = _encoded(watch.initial(version))
    return told + _encoded([watch.bookmark(initial=True)]) if initial else told


def _next(watch: Watch, store: Store) -> bytes:
    """What is new, or the word that it is forgotten, after which the client must begin anew."""
    if watch.over:
        return b""
    version, oldest = store.revision, horizon(store)
    if watch.since < oldest:
        watch.over = True
        return _encoded([_error(expired(f"too old resource version: {watch.since} ({oldest})"))])
    told = _encoded(watch.lines())
    # What came before is told or not meant: it may be forgotten.
    watch.since = max(watch.since, version)
    return told


def _bookmark(watch: Watch, store: Store) -> bytes:
    """Where the client stands, when it wants to know."""
    told = _next(watch, store)
    if not watch.bookmarks or watch.over:
        return told
    return told + _encoded([watch.bookmark()])


def _error(error: ApiError) -> str:
    return f'{{"type":"ERROR","object":{answers.encode(error.status()).decode().strip()}}}\n'


def _event(type_: str, obj: str) -> str:
    return f'{{"type":"{type_}","object":{obj}}}\n'


def _encoded(lines: Iterator[str] | list[str]) -> bytes:
    return "".join(lines).encode("utf-8", "replace")
