"""Questions to resolvers: asked beside the thread that decides, kept in the store.

A question is a ResolutionRequest with its answer in the status, so an engine that starts anew finds
what was answered and asks again what was not (``pkg/remoteresolution/resolver/framework``).
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from mltk.errors import AdmissionError, InfrastructureError, NotFound
from mltk.local.resolvers import cache, settings
from mltk.local.resolvers.base import Errand, Found, Resolver
from mltk.local.resolvers.bounds import Deadline, TimedOut
from mltk.local.store import Store
from mltk.tekton.answers import check_found, read_found, unfit
from mltk.tekton.creation import owner_reference
from mltk.tekton.durations import format_duration, parse_duration
from mltk.tekton.objects import Obj, condition, is_done, new_condition, status_of, uid_of
from mltk.tekton.remote import Answer, Request, StillResolving, Unresolved

_AT_ONCE = 4
_SHORTEST = 1.0  # seconds; an attempt without time would be made again and again


def _table() -> Mapping[str, Resolver]:
    # Runs that ask nobody do not wait for what speaks HTTP to load.
    from mltk.local.resolvers.table import RESOLVERS

    return RESOLVERS


class Requests:
    """What the runs of an engine ask for. `base` is where paths that are not absolute begin."""

    def __init__(
        self,
        store: Store,
        base: Path,
        clock: Callable[[], datetime],
        resolvers: Callable[[], Mapping[str, Resolver]] = _table,
    ) -> None:
        self._store = store
        self._base = base
        self._clock = clock
        self._resolvers = resolvers
        self._cache = cache.Cache()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._asked: dict[str, Deadline] = {}
        self._lock = threading.Lock()

    def ask(self, request: Request, run: Obj, kind: str) -> Answer:
        """Return what a run asks for, an object of that kind.

        Raises StillResolving until there is an answer, and Unresolved when there is none.
        """
        found = self._store.find("ResolutionRequest", request.name, request.namespace)
        if found is None:
            found = self._store.insert(request.to_object(owner_reference(run)))
        said = condition(found) or {}
        if not is_done(found):
            self._send(request, found)
            raise StillResolving(kind)
        if said["status"] == "False":
            raise Unresolved(f"error requesting remote resource: {said.get('message', '')}")
        return self._read(found, request.namespace, kind)

    def close(self) -> None:
        """End what is under way; another engine asks again."""
        with self._lock:
            for deadline in self._asked.values():
                deadline.cancel()

    def _read(self, found: Obj, namespace: str, kind: str) -> Answer:
        status = status_of(found)
        obj = read_found(base64.b64decode(status["data"]).decode("utf-8", "replace"), kind)
        try:
            self._store.admit({**obj, "metadata": {**obj["metadata"], "namespace": namespace}})
        except AdmissionError as refusal:
            raise unfit(obj, refusal) from None
        return Answer(obj, status.get("refSource"))

    def _send(self, request: Request, found: Obj) -> None:
        """Give a question to a thread, unless one has it."""
        with self._lock:
            if (uid := uid_of(found)) in self._asked:
                return
            limit = settings.limit(self._store)
            deadline = self._asked[uid] = Deadline(limit.total_seconds())
        threading.Thread(
            target=self._work, args=(request, found, deadline, limit), daemon=True, name="resolver"
        ).start()

    def _work(self, request: Request, found: Obj, deadline: Deadline, limit: timedelta) -> None:
        try:
            with self._turns:
                status = self._status(request, deadline, limit)
            if status is not None:
                with suppress(NotFound):  # nobody asks any more
                    self._store.set_status(found, status)
        except InfrastructureError:
            pass  # the thread that decides meets it too, and tells
        finally:
            with self._lock:
                self._asked.pop(uid_of(found), None)
            self._store.nudge()

    def _status(self, request: Request, deadline: Deadline, limit: timedelta) -> Obj | None:
        """Return the status that answers a question; None when nobody waits for it."""
        try:
            return self._succeeded(self._fetch(request, deadline))
        except Unresolved as error:
            return self._failed("ResolutionFailed", str(error))
        except TimedOut:
            if deadline.is_cancelled:
                return None
            text = f"resolution took longer than global timeout of {format_duration(limit)}"
            return self._failed("ResolutionTimedOut", text)
        except Exception as error:
            # Whatever broke in a resolver is told to who asked, as no run may wait for ever.
            return self._failed("ResolutionFailed", f"{type(error).__name__}: {error}")

    def _fetch(self, request: Request, deadline: Deadline) -> Found:
        resolvers = self._resolvers()
        resolver = resolvers.get(request.resolver)
        if resolver is None:
            known = ", ".join(resolvers)
            raise Unresolved(f"there is no resolver '{request.resolver}' (known: {known})")
        values = settings.of(resolver, self._store)
        errand = Errand(request, values, self._store, self._base, deadline)
        try:
            if not settings.is_enabled(resolver, self._store):
                raise Unresolved(
                    f"cannot handle resolution request, {resolver.flag} feature flag not true"
                )
            cache.check_mode(errand)
            resolver.check(errand)
        except Unresolved as error:
            raise Unresolved(f'invalid resource request "{request.key}": {error}') from None
        try:
            return self._found(resolver, errand)
        except Unresolved as error:
            raise Unresolved(f'error getting "{resolver.name}" "{request.key}": {error}') from None

    def _found(self, resolver: Resolver, errand: Errand) -> Found:
        if not cache.is_cached(resolver, errand):
            return _attempt(resolver, errand)
        key = cache.cache_key(errand)
        found = self._cache.find(key)
        if found is None:
            found = _attempt(resolver, errand)
            size, ttl = settings.cache(self._store)
            self._cache.keep(key, found, settings.ttl(errand.settings, ttl), size)
        return found

    def _succeeded(self, found: Found) -> Obj:
        made = new_condition("True", "", "", self._clock())
        return {
            "annotations": dict(found.annotations),
            "conditions": [{key: value for key, value in made.items() if value}],
            "data": base64.b64encode(found.data).decode(),
            "refSource": found.source,
            "source": found.source,
        }

    def _failed(self, reason: str, message: str) -> Obj:
        return {"conditions": [new_condition("False", reason, message, self._clock())]}


def _attempt(resolver: Resolver, errand: Errand) -> Found:
    """Ask until there is an answer: what takes longer than `fetch-timeout` is tried again."""
    limit = _attempt_limit(errand)
    while True:
        within = errand.deadline.within(limit) if limit else errand.deadline
        try:
            found = resolver.resolve(errand.timed(within))
        except TimedOut:
            errand.deadline.left()
            continue
        try:
            check_found(found.data.decode("utf-8", "replace"))
        except Unresolved as error:
            raise Unresolved(f"resolved resource validation error: {error}") from None
        return found


def _attempt_limit(errand: Errand) -> float | None:
    text = errand.settings.get("fetch-timeout")
    if not text:
        return None
    try:
        return max(parse_duration(text).total_seconds(), _SHORTEST)
    except ValueError as error:
        raise Unresolved(f"error parsing timeout value {text}: {error}") from None
