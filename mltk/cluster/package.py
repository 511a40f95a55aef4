"""The few modules of the package `kubernetes` that are used here.

The package's own `__init__` imports a thousand generated classes: two seconds of processor time
before a command has asked anything. Its reader of kubeconfigs and its connections need none of
them, so these are imported below packages that stay empty, which are then forgotten: whoever
imports `kubernetes` afterwards gets all of it. `google.auth`, another third of a second, would be
imported for a way to log in that Kubernetes itself dropped in 1.26.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any, NamedTuple

from mltk.errors import missing_package

_PACKAGES = ("kubernetes", "kubernetes.client", "kubernetes.config")
_UNUSED = "google.auth"


class Package(NamedTuple):
    """Modules of `kubernetes`."""

    configuration: Any
    kube_config: Any
    incluster_config: Any
    rest: Any
    errors: Any


@cache
def load() -> Package:
    """Import them. Raises InfrastructureError where the package is not installed."""
    try:
        if "kubernetes" in sys.modules:
            return _modules()
        with _empty_packages() as client:
            client.__dict__["Configuration"] = _import("client.configuration").Configuration
            client.__dict__["ApiClient"] = _api_client
            return _modules()
    except ModuleNotFoundError as error:
        raise missing_package(error) or error from None


def _modules() -> Package:
    return Package(
        _import("client.configuration"),
        _import("config.kube_config"),
        _import("config.incluster_config"),
        _import("client.rest"),
        _import("config.config_exception"),
    )


def _import(name: str) -> ModuleType:
    return import_module(f"kubernetes.{name}")


@contextmanager
def _empty_packages() -> Iterator[ModuleType]:
    before = sys.modules.get(_UNUSED)
    try:
        sys.modules[_UNUSED] = None  # type: ignore[assignment]  # as the import system has it
        for name in _PACKAGES:
            spec = find_spec(name)
            if spec is None:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            sys.modules[name] = module_from_spec(spec)
        yield sys.modules["kubernetes.client"]
    finally:
        del sys.modules[_UNUSED]
        if before is not None:
            sys.modules[_UNUSED] = before
        for name in [name for name in sys.modules if name.partition(".")[0] == "kubernetes"]:
            del sys.modules[name]


def _api_client(**options: Any) -> Any:
    """What the renewal of an OpenID token asks for, and nothing else: then all is imported."""
    return import_module("kubernetes.client").ApiClient(**options)
