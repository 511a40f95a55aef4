"""Which triggers an event concerns: those of an EventListener, and those that it selects.

Rules: https://tekton.dev/docs/triggers/eventlisteners/ and Tekton's ``pkg/sink``. Without a
selector only its own are concerned; a selector of labels alone looks into its own namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mltk.tekton.selectors import of_object
from mltk.tekton.triggers.bindings import Object
from mltk.tekton.triggers.references import Get

ALL_NAMESPACES = "*"

Triggers = Callable[[str], Sequence[Object]]
"""From a namespace, or `ALL_NAMESPACES`, to the Triggers that are there."""


@dataclass(frozen=True)
class Trigger:
    """A trigger, written in an EventListener or an object of its own."""

    name: str
    namespace: str
    spec: Object

    @classmethod
    def of(cls, obj: Object) -> Trigger:
        """The trigger that is the object `obj`."""
        metadata = obj["metadata"]
        return cls(metadata["name"], metadata["namespace"], obj.get("spec") or {})


def selected(selector: Object, namespace: str, triggers: Triggers) -> list[Trigger]:
    """What ``namespaceSelector`` and ``labelSelector`` of `selector` select."""
    names = (selector.get("namespaceSelector") or {}).get("matchNames") or []
    labels = selector.get("labelSelector")
    if not names and labels is None:
        return []
    found = [obj for name in names or [namespace] for obj in triggers(name)]
    matches = of_object(labels or {})
    return [Trigger.of(obj) for obj in found if matches(obj["metadata"].get("labels") or {})]


@dataclass(frozen=True)
class Listed:
    """The triggers that a listener has or names, and what Tekton says of those that are missing.

    An entry that is neither is the listener's own `fault`.
    """

    triggers: tuple[Trigger, ...]
    missing: tuple[str, ...]
    fault: str = ""


def is_at_fault(listener: Object) -> bool:
    """Whether some entry of ``triggers`` neither is a trigger nor names one."""
    entries = listener.get("triggers") or ()
    return not all(each.get("template") is not None or each.get("triggerRef") for each in entries)


def listed(listener: Object, namespace: str, get: Get) -> Listed:
    """What the ``triggers`` of `listener` say."""
    found: list[Trigger] = []
    missing: list[str] = []
    for entry in listener.get("triggers") or ():
        name, ref = entry.get("name", ""), entry.get("triggerRef")
        if entry.get("template") is not None:
            found.append(Trigger(name, namespace, entry))
        elif not ref:
            fault = "error merging triggers: EventListenerTrigger not defined"
            return Listed((), tuple(missing), fault)
        elif (obj := get("Trigger", namespace, ref)) is None:
            missing.append(
                f"Error getting Trigger {ref} in Namespace {namespace}: "
                f'trigger.triggers.tekton.dev "{ref}" not found'
            )
        else:
            found.append(Trigger.of(obj))
    return Listed(tuple(found), tuple(missing))
