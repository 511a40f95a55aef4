"""The graph of a Pipeline's tasks: who waits for whom (``pkg/reconciler/pipeline/dag``)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class InvalidGraph(ValueError):
    """The tasks cannot be ordered; the message is Tekton's."""


@dataclass(frozen=True)
class Graph:
    """Tasks with what each waits for; `order` puts every task after its parents."""

    parents: Mapping[str, tuple[str, ...]]
    order: tuple[str, ...]


def build(names: Sequence[str], parents: Mapping[str, tuple[str, ...]]) -> Graph:
    """The graph of tasks `names`; InvalidGraph for doubles, circles and parents not there."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidGraph(
                f"task {name} is already present in Graph, can't add it again: "
                "duplicate pipeline task"
            )
        seen.add(name)
    order = _order(names, parents)
    for name in names:
        for parent in parents.get(name, ()):
            if parent not in seen:
                raise InvalidGraph(
                    f"couldn't add link between {name} and {parent}: task {name} depends on "
                    f"{parent} but {parent} wasn't present in Pipeline"
                )
    return Graph({name: parents.get(name, ()) for name in names}, order)


def _order(names: Sequence[str], parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Kahn's algorithm, in the order of the Pipeline among equals."""
    waiting = {name: {p for p in parents.get(name, ()) if p in parents} for name in names}
    children: dict[str, list[str]] = {name: [] for name in names}
    for name, before in waiting.items():
        for parent in before:
            children[parent].append(name)
    ready = deque(name for name in names if not waiting[name])
    order = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for child in children[name]:
            waiting[child].discard(name)
            if not waiting[child]:
                ready.append(child)
    circle = sorted(name for name in names if waiting[name])
    if circle:
        upon = ", ".join(f'"{parent}"' for parent in sorted(waiting[circle[0]]))
        raise InvalidGraph(f'cycle detected; task "{circle[0]}" depends on {upon}')
    return tuple(order)
