"""Tekton objects as they are on the wire: dicts in the shape that Kubernetes gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Obj = dict[str, Any]

SUCCEEDED = "Succeeded"  # the one condition type that runs have


def name_of(obj: Obj) -> str:
    """Name of the object; empty when it has only a generateName yet."""
    return str(_metadata(obj).get("name", ""))


def namespace_of(obj: Obj) -> str:
    """Namespace of the object, ``default`` when it names none."""
    return str(_metadata(obj).get("namespace") or "default")


def labels_of(obj: Obj) -> dict[str, str]:
    """Labels of the object."""
    return dict(_metadata(obj).get("labels") or {})


def annotations_of(obj: Obj) -> dict[str, str]:
    """Annotations of the object."""
    return dict(_metadata(obj).get("annotations") or {})


def uid_of(obj: Obj) -> str:
    """UID of the object; empty before it is stored."""
    return str(_metadata(obj).get("uid", ""))


def address(obj: Obj) -> str:
    """``kind/name`` in lower case, as kubectl prints it."""
    name = name_of(obj) or str(_metadata(obj).get("generateName", ""))
    return f"{str(obj.get('kind', 'object')).lower()}/{name or '?'}"


def spec_of(obj: Obj) -> Obj:
    """The spec of the object."""
    return obj.get("spec") or {}


def status_of(obj: Obj) -> Obj:
    """The status of the object, empty before it has one."""
    return obj.get("status") or {}


def condition(obj: Obj) -> Obj | None:
    """The condition of type Succeeded, which tells how a run stands."""
    for found in status_of(obj).get("conditions") or ():
        if found.get("type") == SUCCEEDED:
            return dict(found)
    return None


def is_done(obj: Obj) -> bool:
    """Whether the run has ended, well or not."""
    found = condition(obj)
    return found is not None and found.get("status") != "Unknown"


def is_success(obj: Obj) -> bool:
    """Whether the run has ended well."""
    found = condition(obj)
    return found is not None and found.get("status") == "True"


def reason(obj: Obj) -> str:
    """Tekton's reason for how the run stands, e.g. ``Succeeded``; empty when not started."""
    found = condition(obj)
    return str(found.get("reason", "")) if found else ""


def message(obj: Obj) -> str:
    """What the condition says in words; empty when not started."""
    found = condition(obj)
    return str(found.get("message", "")) if found else ""


def results(obj: Obj) -> dict[str, Any]:
    """Results of a run by name: a text, a list of texts or a dict of texts each."""
    return {found["name"]: found["value"] for found in status_of(obj).get("results") or ()}


def by_name(items: list[Obj] | None) -> dict[str, Obj]:
    """The entries of a list of named things, e.g. params, by name."""
    return {item["name"]: item for item in items or ()}


def new_condition(
    status: str, reason: str, message: str, now: datetime, old: Obj | None = None
) -> Obj:
    """A condition of type Succeeded; `lastTransitionTime` stays while nothing else changed."""
    made = {"type": SUCCEEDED, "status": status, "reason": reason, "message": message}
    kept = dict(old or {})
    since = kept.pop("lastTransitionTime", None)
    return {**made, "lastTransitionTime": since if since and kept == made else format_time(now)}


def params_of(run: Obj) -> dict[str, Any]:
    """The params that a run gives, by name."""
    return {each["name"]: each.get("value") for each in spec_of(run).get("params") or ()}


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes times."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def format_micro_time(moment: datetime) -> str:
    """The same with microseconds, as Kubernetes' MicroTime."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1024)  # the times of a run are asked for again and again
def parse_time(text: str) -> datetime:
    """The inverse of `format_time`; takes fractions of seconds and other offsets too."""
    return datetime.fromisoformat(text)


def _metadata(obj: Obj) -> Obj:
    found = obj.get("metadata")
    return found if isinstance(found, dict) else {}
