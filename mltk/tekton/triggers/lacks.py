"""What an EventListener names and is not there, and expressions that do not compile.

Tekton finds out when an event comes, and tells its log alone. Who applies or starts a listener can
be told before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mltk.errors import InfrastructureError
from mltk.tekton.triggers.bindings import Object
from mltk.tekton.triggers.chain import given, is_core
from mltk.tekton.triggers.interceptors import cel
from mltk.tekton.triggers.interceptors.protocol import Refusal, Secrets, secret_value
from mltk.tekton.triggers.references import (
    Get,
    binding_kind,
    interceptor_kind,
    is_of_cluster,
    look_up,
)
from mltk.tekton.triggers.selection import Trigger, Triggers, listed, selected

_TOKENS = ("addChangedFiles", "githubOwners")


@dataclass(frozen=True)
class Lack:
    """Whose it is, where in its spec, and what is not there or wrong.

    `secret` names the Secret where it is one that is not there at all.
    """

    owner: str
    path: str
    what: str
    secret: str = ""


@dataclass(frozen=True)
class Known:
    """Objects and secrets that are there."""

    get: Get
    triggers: Triggers
    secrets: Secrets


def lacks(listener: Object, known: Known) -> list[Lack]:
    """All that keeps triggers of `listener` from making anything, in order, each once."""
    metadata, spec = listener["metadata"], listener.get("spec") or {}
    name, namespace = metadata["name"], metadata["namespace"]
    owner = f"EventListener {name}"
    own = listed(spec, namespace, known.get)
    found = [Lack(owner, "triggers", what) for what in own.missing]
    triggers = [*selected(spec, namespace, known.triggers), *own.triggers]
    for index, group in enumerate(spec.get("triggerGroups") or ()):
        path = f"triggerGroups[{index}]."
        found += _of_interceptors(owner, path, namespace, namespace, group, known)
        triggers += selected(group.get("triggerSelector") or {}, namespace, known.triggers)
    for trigger in triggers:
        found += _of_trigger(trigger, owner, _entries(spec), namespace, known)
    return list(dict.fromkeys(found))


def _entries(spec: Object) -> dict[int, str]:
    """Where each trigger that is written in a listener stands."""
    entries = enumerate(spec.get("triggers") or ())
    return {id(entry): f"triggers[{index}]." for index, entry in entries}


def _of_trigger(
    trigger: Trigger, listener: str, entries: Mapping[int, str], place: str, known: Known
) -> Iterator[Lack]:
    path = entries.get(id(trigger.spec), "")
    owner = listener if path else f"Trigger {trigger.name}"
    namespace = trigger.namespace
    yield from _of_interceptors(owner, path, namespace, place, trigger.spec, known)
    for index, binding in enumerate(trigger.spec.get("bindings") or ()):
        if ref := binding.get("ref"):
            kind = binding_kind(binding)
            if look_up(known.get, kind, namespace, ref) is None:
                yield Lack(owner, f"{path}bindings[{index}].ref", _none(kind, ref))
    ref = (trigger.spec.get("template") or {}).get("ref")
    if ref and known.get("TriggerTemplate", namespace, ref) is None:
        yield Lack(owner, f"{path}template.ref", _none("TriggerTemplate", ref))


def _of_interceptors(
    owner: str, path: str, namespace: str, place: str, spec: Object, known: Known
) -> Iterator[Lack]:
    """`place` is the namespace of the listener, where Interceptors are looked for."""
    for index, interceptor in enumerate(spec.get("interceptors") or ()):
        if interceptor.get("webhook") is not None:
            continue
        here, ref = f"{path}interceptors[{index}]", interceptor.get("ref") or {}
        name, kind = ref.get("name", ""), interceptor_kind(ref)
        found = look_up(known.get, kind, place, name)
        core = is_of_cluster(kind) and is_core(name, found)
        if found is None and not core:
            yield Lack(owner, f"{here}.ref", _none(kind, name))
            continue
        params = given(interceptor)
        for what, secret in _secrets(params, namespace, known):
            yield Lack(owner, f"{here}.params", what, secret)
        for what in _expressions(name, params) if core else ():
            yield Lack(owner, f"{here}.params", what)


def _secrets(params: Mapping[str, Any], namespace: str, known: Known) -> Iterator[tuple[str, str]]:
    """What is wrong with Secrets, with the name of one that is not there."""
    refs = [params.get("secretRef")]
    for name in _TOKENS:
        value = params.get(name)
        refs.append(value.get("personalAccessToken") if isinstance(value, dict) else None)
    for ref in refs:
        if isinstance(ref, dict):
            try:
                secret_value(known.secrets, namespace, ref)
            except LookupError as error:
                name = str(ref.get("secretName", ""))
                there = known.secrets(namespace, name) is not None
                yield str(error.args[0]), "" if there else name


def _expressions(name: str, params: Mapping[str, Any]) -> Iterator[str]:
    if name != "cel":
        return
    overlays = params.get("overlays")
    listed_ones = overlays if isinstance(overlays, list) else []
    given = [each.get("expression") for each in listed_ones if isinstance(each, dict)]
    for expression in (params.get("filter"), *given):
        if isinstance(expression, str) and expression:
            try:
                cel.check(expression)
            except (Refusal, InfrastructureError) as error:
                yield str(error)


def _none(kind: str, name: str) -> str:
    return f"there is no {kind} {name}"
