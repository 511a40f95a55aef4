"""What the LimitRanges of a namespace make of a pod: what its containers ask for, or no pod.

Rules: Tekton divides what is asked for by default among the steps
(``pkg/internal/computeresources``); then Kubernetes completes each container and refuses a pod out
of bounds (``SetDefaults_Pod``, ``ValidateResourceRequirements``, ``LimitRanger``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from mltk.tekton.downward import Resources
from mltk.tekton.objects import Obj
from mltk.tekton.quantities import Quantity, parse_quantity
from mltk.tekton.requests import part_of

CONTAINER, POD = "Container", "Pod"

# What Tekton divides; it leaves other resources to Kubernetes.
_DIVIDED = ("cpu", "memory", "ephemeral-storage")
_NOTHING = Quantity(Fraction())

Limits = Sequence[Obj]
"""``spec.limits`` of a LimitRange."""


def limited(
    steps: Sequence[Resources], sidecars: Sequence[Resources], ranges: Sequence[Limits]
) -> list[Resources]:
    """What the containers of a pod ask for, steps first, with what they do not say themselves."""
    if not ranges:
        return [*steps, *sidecars]
    share = _share(ranges, len(steps))
    asked = [replace(each, requests=_with_share(each.requests, share)) for each in steps]
    return [_completed(each, ranges) for each in (*asked, *sidecars)]


def refusal(containers: Sequence[Resources], ranges: Sequence[Limits], pod: str) -> str:
    """Why Kubernetes does not take a pod of these containers; empty when it does."""
    if found := list(_unbalanced(containers)):
        return f'Pod "{pod}" is invalid: {_told(found)}'
    # Tekton prepares each pod by a container that asks for nothing itself.
    before = _completed(Resources(), ranges)
    for limits in ranges:
        if found := [why for each in limits for why in _broken(each, containers, before)]:
            return f'pods "{pod}" is forbidden: {_told(found)}'
    return ""


def _share(ranges: Sequence[Limits], count: int) -> dict[str, str]:
    """What a step asks for that says nothing: its part of the default, never below the least.

    Of several defaults the smallest counts; one that is not said takes the place of those before
    it, as in Tekton (``minOfBetween``).
    """
    found = {}
    for name in _DIVIDED:
        default = least = _NOTHING
        for each in _of(ranges, CONTAINER):
            own = _amount(each, "defaultRequest", name) or _NOTHING
            default = own if not default.value or default.value > own.value else default
            least = max(least, _amount(each, "min", name) or _NOTHING, key=lambda it: it.value)
        part = max(part_of(name, default, count), least, key=lambda it: it.value)
        if part.value > 0:
            found[name] = str(part)
    return found


def _with_share(requests: Mapping[str, str], share: Mapping[str, str]) -> dict[str, str]:
    said = {name: amount for name, amount in requests.items() if parse_quantity(amount).value}
    return {**requests, **share, **said}


def _completed(asked: Resources, ranges: Sequence[Limits]) -> Resources:
    """With requests where there are limits alone, and what the ranges give by default."""
    requests, limits = {**asked.limits, **asked.requests}, {**asked.limits}
    for each in _of(ranges, CONTAINER):
        requests = {**_texts(each, "defaultRequest"), **requests}
        limits = {**_texts(each, "default"), **limits}
    return replace(asked, requests=requests, limits=limits)


def _unbalanced(containers: Sequence[Resources]) -> Iterator[str]:
    for index, each in enumerate(containers):
        for name, amount in sorted(each.requests.items()):
            most = each.limits.get(name)
            if most is not None and parse_quantity(amount).value > parse_quantity(most).value:
                yield (
                    f'spec.containers[{index}].resources.requests: Invalid value: "{amount}":'
                    f" must be less than or equal to {name} limit of {most}"
                )


def _broken(item: Obj, containers: Sequence[Resources], before: Resources) -> Iterator[str]:
    """What an entry of a LimitRange says against a pod."""
    if item["type"] == CONTAINER:
        for each in (*containers, before):
            yield from _against(item, each)
    elif item["type"] == POD:
        yield from _against(item, _whole(containers, before))


def _against(item: Obj, asked: Resources) -> Iterator[str]:
    kind = item["type"]
    for name, bound in sorted((item.get("min") or {}).items()):
        if why := _below(parse_quantity(str(bound)), *_both(asked, name)):
            yield f"minimum {name} usage per {kind} is {bound}{why}"
    for name, bound in sorted((item.get("max") or {}).items()):
        if why := _above(parse_quantity(str(bound)), *_both(asked, name)):
            yield f"maximum {name} usage per {kind} is {bound}{why}"
    for name, bound in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        if why := _uneven(parse_quantity(str(bound)), *_both(asked, name)):
            yield f"{name} max limit to request ratio per {kind} is {bound}, but {why}"


def _below(bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    if request is None:
        return ".  No request is specified"
    if request.value < bound.value:
        return f", but request is {request}"
    return f", but limit is {limit}" if limit and limit.value < bound.value else ""


def _above(bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    if limit is None:
        return ".  No limit is specified"
    if limit.value > bound.value:
        return f", but limit is {limit}"
    return f", but request is {request}" if request and request.value > bound.value else ""


def _uneven(bound: Quantity, request: Quantity | None, limit: Quantity | None) -> str:
    if request is None or not request.value:
        return "no request is specified or request is 0"
    if limit is None or not limit.value:
        return "no limit is specified or limit is 0"
    ratio = limit.value / request.value
    return f"provided ratio is {float(ratio):f}" if ratio > bound.value else ""


def _whole(containers: Sequence[Resources], before: Resources) -> Resources:
    """What a pod asks for: all of its containers together, or the one before them if it is more."""
    return Resources(
        _sums([each.requests for each in containers], before.requests),
        _sums([each.limits for each in containers], before.limits),
    )


def _sums(parts: Sequence[Mapping[str, str]], before: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, Quantity] = {}
    for part in parts:
        for name, amount in part.items():
            own = parse_quantity(amount)
            known = found.get(name)
            found[name] = replace(known, value=known.value + own.value) if known else own
    for name, amount in before.items():
        own = parse_quantity(amount)
        found[name] = max(found.get(name, own), own, key=lambda it: it.value)
    return {name: str(amount) for name, amount in found.items()}


def _both(asked: Resources, name: str) -> tuple[Quantity | None, Quantity | None]:
    request, limit = asked.requests.get(name), asked.limits.get(name)
    return (
        None if request is None else parse_quantity(request),
        None if limit is None else parse_quantity(limit),
    )


def _of(ranges: Sequence[Limits], kind: str) -> Iterator[Obj]:
    return (each for limits in ranges for each in limits if each["type"] == kind)


def _texts(item: Obj, part: str) -> dict[str, str]:
    return {name: str(amount) for name, amount in (item.get(part) or {}).items()}


def _amount(item: Obj, part: str, name: str) -> Quantity | None:
    found = _texts(item, part).get(name)
    return None if found is None else parse_quantity(found)


def _told(found: Sequence[str]) -> str:
    """Several messages as Kubernetes puts them together, each of them once."""
    once = list(dict.fromkeys(found))
    return once[0] if len(once) == 1 else f"[{', '.join(once)}]"
