"""What an administrator has set for resolvers, in the ConfigMaps that a cluster has for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from mltk.local.resolvers.base import Resolver
from mltk.local.settings import read_config
from mltk.local.store import Store
from mltk.tekton.durations import parse_duration

NAMESPACE = "tekton-pipelines-resolvers"
_CACHE_SIZE, _CACHE_TTL = 1000, timedelta(minutes=5)


def of(resolver: Resolver, store: Store) -> Mapping[str, str]:
    """Return the settings of a resolver, those of a fresh installation where there are none."""
    found = data(store, resolver.config)
    return resolver.defaults if found is None else found


def is_enabled(resolver: Resolver, store: Store) -> bool:
    """Whether the resolver is switched on, as each is unless someone says otherwise."""
    flags = data(store, "resolvers-feature-flags") or {}
    return flags.get(resolver.flag, "true").lower() in ("true", "t", "1")


def limit(store: Store) -> timedelta:
    """How long a question may take in all."""
    return read_config(store).defaults.resolution


def cache(store: Store) -> tuple[int, timedelta]:
    """How many documents are kept, and for how long."""
    found = data(store, "resolver-cache-config") or {}
    size = found.get("max-size", "")
    return int(size) if size.isdigit() and int(size) else _CACHE_SIZE, ttl(found, _CACHE_TTL)


def ttl(found: Mapping[str, str], otherwise: timedelta) -> timedelta:
    """How long a document is kept by the settings of one resolver."""
    return _duration(found.get("ttl"), otherwise)


def _duration(text: str | None, otherwise: timedelta) -> timedelta:
    try:
        found = parse_duration(text or "")
    except ValueError:
        return otherwise
    return found if found > timedelta(0) else otherwise


def data(store: Store, name: str) -> dict[str, str] | None:
    """The data of a ConfigMap for resolvers, None when there is none."""
    found = store.find("ConfigMap", name, NAMESPACE)
    if found is None:
        return None
    return {key: str(value) for key, value in (found.get("data") or {}).items()}
