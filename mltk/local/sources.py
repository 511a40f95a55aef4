"""What Secrets and ConfigMaps of the store hold, and the environment that steps get from it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from mltk.errors import NotFound
from mltk.local.store import Store
from mltk.tekton.objects import Obj
from mltk.tekton.taskrun import EnvFrom, KeyRef, ResolvedStep, TaskRunRejected, expand_env

Source = Callable[[str, str], Mapping[str, bytes] | None]
"""Kind and name of a Secret or ConfigMap -> what it holds, None when it is not there."""

_CONFIG_ERROR = "CreateContainerConfigError"  # the kubelet's reason


def read_source(store: Store, kind: str, name: str, namespace: str) -> dict[str, bytes] | None:
    """Return the keys of a Secret or ConfigMap, None when it is not there."""
    try:
        return _decoded(store.get(kind, name, namespace))
    except NotFound:
        return None


def _decoded(obj: Obj) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    if obj["kind"] == "Secret":
        found |= {key: _base64(value) for key, value in (obj.get("data") or {}).items()}
        plain: Mapping[str, Any] = obj.get("stringData") or {}
    else:
        found |= {key: _base64(value) for key, value in (obj.get("binaryData") or {}).items()}
        plain = obj.get("data") or {}
    return found | {key: str(value).encode() for key, value in plain.items()}


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise TaskRunRejected(_CONFIG_ERROR, "data of a secret is not base64") from None


def variables(step: ResolvedStep, read: Source) -> dict[str, str]:
    """Return a step's own environment: `envFrom` first, then `env` with ``$(VAR)`` expanded.

    Raises TaskRunRejected for a source that is missing and not optional. Rules: Kubernetes'
    EnvVar and EnvFromSource.
    """
    env: dict[str, str] = {}
    for source in step.env_from:
        env |= _all_keys(source, read)
    for variable in step.env:
        if variable.source is None:
            env[variable.name] = expand_env(variable.value or "", env)
        elif (value := _one_key(variable.source, read)) is not None:
            env[variable.name] = value
    return env


def _all_keys(source: EnvFrom, read: Source) -> dict[str, str]:
    found = read(source.kind, source.name)
    if found is None and not source.optional:
        raise TaskRunRejected(_CONFIG_ERROR, f'{source.kind.lower()} "{source.name}" not found')
    names = {source.prefix + key: value for key, value in (found or {}).items()}
    # As in Kubernetes, keys that cannot be a variable are left out.
    return {name: _text(value) for name, value in names.items() if name and "=" not in name}


def _one_key(source: KeyRef, read: Source) -> str | None:
    found = read(source.kind, source.name)
    if found is not None and source.key in found:
        return _text(found[source.key])
    if source.optional:
        return None
    what = f'{source.kind.lower()} "{source.name}"'
    missing = f"{what} not found" if found is None else f"couldn't find key {source.key} in {what}"
    raise TaskRunRejected(_CONFIG_ERROR, missing)


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="surrogateescape")
