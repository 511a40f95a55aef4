"""Documents that need not be fetched again for a while."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from mltk.local.resolvers.base import Errand, Found, Resolver
from mltk.tekton.remote import Unresolved

_PARAM = "cache"
_MODES = ("always", "never", "auto")


def check_mode(errand: Errand) -> None:
    """Raise Unresolved for a param `cache` that is none of Tekton's."""
    mode = errand.params.get(_PARAM, "")
    if mode and mode not in _MODES:
        raise Unresolved(
            f"invalid cache mode '{mode}', must be one of: [{' '.join(_MODES)}] "
            "(or empty for default)"
        )


def is_cached(resolver: Resolver, errand: Errand) -> bool:
    """Whether the cache is to be used: by the param, the resolver's setting, or what is immutable.

    As in Tekton a document at an address of HTTP, or of a hub, is never kept.
    """
    if resolver.type in ("http", "hub"):
        return False
    mode = errand.or_default(_PARAM, "default-cache-mode")
    return mode == "always" or (mode != "never" and resolver.is_immutable(errand))


class Cache:
    """The documents that were found last, each for its time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, Found]] = OrderedDict()

    def find(self, key: str) -> Found | None:
        """Return the document, None when it is not there or too old."""
        with self._lock:
            end, found = self._kept.get(key, (0.0, None))
            if found is None or self._clock() >= end:
                self._kept.pop(key, None)
                return None
            self._kept.move_to_end(key)
            return found

    def keep(self, key: str, found: Found, ttl: timedelta, size: int) -> None:
        """Keep a document for a time; the one that was not used for longest goes."""
        with self._lock:
            self._kept[key] = self._clock() + ttl.total_seconds(), found
            self._kept.move_to_end(key)
            while len(self._kept) > size:
                self._kept.popitem(last=False)


def cache_key(errand: Errand) -> str:
    """Return what names a document: who may see it, the resolver and its params."""
    values = {name: v for name, v in errand.request.values.items() if name != _PARAM}
    sorted_lists = {n: sorted(v) if isinstance(v, list) else v for n, v in values.items()}
    asked = [errand.request.namespace, errand.request.resolver, sorted_lists]
    return json.dumps(asked, sort_keys=True)
