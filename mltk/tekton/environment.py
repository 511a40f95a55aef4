"""The environment of a step, and what Kubernetes expands in its command, args and env.

Rules: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mltk.tekton.objects import Obj
from mltk.tekton.verdicts import TaskRunRejected

Source = Literal["Secret", "ConfigMap"]
# The keys of a Secret (decoded) or ConfigMap, None when there is none of that name.
Lookup = Callable[[Source, str], Mapping[str, str] | None]

_EXPANSION = re.compile(r"\$(\$|\(([^()]*)\))")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


@dataclass(frozen=True)
class KeyRef:
    """One key of a Secret or a ConfigMap."""

    kind: Source
    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True)
class EnvVar:
    """An environment variable: a `value`, `source` to read it from, or a ref to the pod itself."""

    name: str
    value: str | None = None
    source: KeyRef | None = None
    own: Obj | None = None


@dataclass(frozen=True)
class EnvFrom:
    """All keys of a Secret or ConfigMap as variables, each name behind `prefix`."""

    kind: Source
    name: str
    prefix: str = ""
    optional: bool = False


def read_env(entries: Iterable[Obj]) -> tuple[EnvVar, ...]:
    """Read ``env`` of a step."""
    return tuple(_read_env(each) for each in entries)


def read_env_from(entries: Iterable[Obj]) -> tuple[EnvFrom, ...]:
    """Read ``envFrom`` of a step."""
    return tuple(
        EnvFrom(kind, ref.get("name", ""), each.get("prefix", ""), bool(ref.get("optional")))
        for each in entries
        for kind, ref in _sources(each, "secretRef", "configMapRef")
    )


def environment(
    env_from: Iterable[EnvFrom],
    env: Iterable[EnvVar],
    lookup: Lookup,
    read_own: Callable[[Obj], str] = lambda _: "",
) -> dict[str, str]:
    """The variables of a step, in Kubernetes' order of precedence, expanded.

    `read_own` reads a ref to the pod. Raises TaskRunRejected for a Secret, a ConfigMap or a key
    that is not there.
    """
    made: dict[str, str] = {}
    for each in env_from:
        found = lookup(each.kind, each.name)
        if found is None and not each.optional:
            raise _not_found(each.kind, each.name)
        made |= {f"{each.prefix}{k}": v for k, v in (found or {}).items() if _NAME.fullmatch(k)}
    for variable in env:
        if variable.own is not None:
            made[variable.name] = read_own(variable.own)
        elif variable.source is None:
            made[variable.name] = expand_env(variable.value or "", made)
        elif (read := _read_key(variable.source, lookup)) is not None:
            made[variable.name] = read
    return made


def expand_env(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' expansion: ``$(VAR)`` of known variables, and ``$$(`` for a plain ``$(``."""

    def replaced(found: re.Match[str]) -> str:
        return "$" if found[1] == "$" else env.get(found[2], found[0])

    return _EXPANSION.sub(replaced, text)


def _read_env(entry: Obj) -> EnvVar:
    given = entry.get("valueFrom") or {}
    own = {key: given[key] for key in ("fieldRef", "resourceFieldRef") if given.get(key)}
    if own:
        return EnvVar(entry["name"], own=own)
    for kind, ref in _sources(given, "secretKeyRef", "configMapKeyRef"):
        source = KeyRef(kind, ref.get("name", ""), ref.get("key", ""), bool(ref.get("optional")))
        return EnvVar(entry["name"], source=source)
    return EnvVar(entry["name"], str(entry.get("value", "")))


def _sources(entry: Obj, secret: str, config_map: str) -> list[tuple[Source, Obj]]:
    fields: tuple[tuple[Source, str], ...] = (("Secret", secret), ("ConfigMap", config_map))
    return [(kind, entry[field]) for kind, field in fields if entry.get(field) is not None]


def _read_key(source: KeyRef, lookup: Lookup) -> str | None:
    found = lookup(source.kind, source.name)
    if found is None and not source.optional:
        raise _not_found(source.kind, source.name)
    if found is not None and source.key in found:
        return found[source.key]
    if source.optional:
        return None
    raise TaskRunRejected(
        "CreateContainerConfigError",
        f"couldn't find key {source.key} in {source.kind} {source.name}",
    )


def _not_found(kind: Source, name: str) -> TaskRunRejected:
    return TaskRunRejected("CreateContainerConfigError", f'{kind.lower()} "{name}" not found')
