"""LimitRanges as the API server takes them: what it refuses, and what it fills in.

Rules and words: ``ValidateLimitRange`` and ``SetDefaults_LimitRangeItem`` of Kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mltk.tekton.fields import Problem, check_fields
from mltk.tekton.limitranges import CONTAINER, POD
from mltk.tekton.objects import Obj, spec_of
from mltk.tekton.quantities import Quantity, parse_quantity

_CLAIM = "PersistentVolumeClaim"
_STANDARD = ("cpu", "memory", "ephemeral-storage")
_PAGES = "hugepages-"
_QUALIFIED = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?")
_PARTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


def completed(obj: Obj) -> Obj:
    """A LimitRange with its amounts in their one form and with its defaults.

    One that is applied over another comes before it is checked; a bad one stays as it is.
    """
    if any(check_limit_range(obj)):
        return obj
    spec = spec_of(obj)
    if not spec.get("limits"):
        return obj
    return {**obj, "spec": {**spec, "limits": [_completed(each) for each in spec["limits"]]}}


def check_limit_range(obj: Obj) -> Iterator[Problem]:
    """Problems of a LimitRange, in the words of Kubernetes where it has them."""
    spec = obj.get("spec")
    if spec is None:
        return
    shape = list(check_fields("LimitRangeSpec", spec, "spec"))
    yield from shape
    if shape:
        return
    seen: set[str] = set()
    for index, item in enumerate(spec.get("limits") or ()):
        path, kind = f"spec.limits[{index}]", item.get("type") or ""
        yield from _check_type(kind, f"{path}.type")
        if kind in seen:
            yield Problem(f"{path}.type", f'Duplicate value: "{kind}"')
        seen.add(kind)
        yield from _check_item(_completed(item), path)


def _completed(item: Obj) -> Obj:
    made = {**item}
    for part in _PARTS:
        if item.get(part):
            amounts = item[part].items()
            made[part] = {name: str(parse_quantity(str(amount))) for name, amount in amounts}
    if item.get("type") != CONTAINER:
        return made
    default = {**made.get("max", {}), **made.get("default", {})}
    request = {**made.get("min", {}), **default, **made.get("defaultRequest", {})}
    found = {"default": default, "defaultRequest": request}
    return {**made, **{part: amounts for part, amounts in found.items() if amounts}}


def _check_type(kind: str, path: str) -> Iterator[Problem]:
    if kind == _CLAIM:
        yield Problem(path, f"'{kind}': a claim is a folder of this machine, which has no size")
    elif not kind:
        yield Problem(path, 'Invalid value: "": name part must be non-empty')
    elif "/" not in kind and kind not in (CONTAINER, POD):
        said = "must be a standard limit type or fully qualified"
        yield Problem(path, f'Invalid value: "{kind}": {said}')


def _check_item(item: Obj, path: str) -> Iterator[Problem]:
    kind = item.get("type")
    for part in ("default", "defaultRequest") if kind == POD else ():
        if item.get(part):
            said = f"Forbidden: may not be specified when `type` is '{kind}'"
            yield Problem(f"{path}.{part}", said)
    amounts = {part: _amounts(item, part) for part in _PARTS}
    for part, found in amounts.items():
        for name in found if kind in (CONTAINER, POD) else ():
            yield from _check_name(name, f"{path}.{part}[{name}]")
    for name in sorted({name for found in amounts.values() for name in found}):
        own = {part: found[name] for part, found in amounts.items() if name in found}
        for part, value, said in _contradictions(own, name):
            yield Problem(f"{path}.{part}[{name}]", f'Invalid value: "{value}": {said}')


def _check_name(name: str, path: str) -> Iterator[Problem]:
    if "/" not in name and name not in _STANDARD and not name.startswith(_PAGES):
        said = "must be a standard resource for containers"
        yield Problem(path, f'Invalid value: "{name}": {said}')
    elif "/" in name and not _QUALIFIED.fullmatch(name):
        said = "doesn't follow extended resource name standard"
        yield Problem(path, f'Invalid value: "{name}": {said}')


def _contradictions(
    own: Mapping[str, Quantity], name: str
) -> Iterator[tuple[str, Quantity | None, str]]:
    """Of what is said of one resource: where, the value that is shown, and what is wrong."""
    least, most = own.get("min"), own.get("max")
    default, request = own.get("default"), own.get("defaultRequest")
    ratio = own.get("maxLimitRequestRatio")
    if _more(least, most):
        yield "min", least, f"min value {least} is greater than max value {most}"
    if _more(least, request):
        said = f"min value {least} is greater than default request value {request}"
        yield "defaultRequest", request, said
    if _more(request, most):
        said = f"default request value {request} is greater than max value {most}"
        yield "defaultRequest", request, said
    if _more(request, default):
        said = f"default request value {request} is greater than default limit value {default}"
        yield "defaultRequest", request, said
    if default and request and default.value != request.value and not _shared(name):
        said = f"default value {default} must equal to defaultRequest value {request} in {name}"
        yield "defaultRequest", request, said
    if _more(least, default):
        yield "default", least, f"min value {least} is greater than default value {default}"
    if _more(default, most):
        yield "default", most, f"default value {default} is greater than max value {most}"
    if ratio and ratio.value < 1:
        yield "maxLimitRequestRatio", ratio, f"ratio {ratio} is less than 1"
    if ratio and least and most and least.value and ratio.value > most.value / least.value:
        said = f"ratio {ratio} is greater than max/min = {float(most.value / least.value):f}"
        yield "maxLimitRequestRatio", ratio, said


def _more(one: Quantity | None, other: Quantity | None) -> bool:
    """Whether both are said, and `one` is more."""
    return one is not None and other is not None and one.value > other.value


def _shared(name: str) -> bool:
    """Whether a node may promise more of a resource than it has."""
    return "/" not in name and not name.startswith(_PAGES)


def _amounts(item: Obj, part: str) -> dict[str, Quantity]:
    return {name: parse_quantity(text) for name, text in (item.get(part) or {}).items()}
