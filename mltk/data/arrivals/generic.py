"""The form for whoever can choose what to send.

::

    {"uri": "s3://bucket/wine/2026-11.csv", "version": "…", "etag": "…", "size": 1234,
     "time": "2026-11-28T12:00:00Z", "id": "…"}

Only `uri` has to be there. Several are sent as `{"arrivals": [{"uri": …}, …]}`.
"""

from __future__ import annotations

from typing import Any

from mltk.data.arrivals.arrival import Arrival, Told
from mltk.data.arrivals.fields import fault, items, mapping, moment, optional, size, text
from mltk.wording import did_you_mean

FORM = "generic"
_KEYS = ("uri", "version", "etag", "size", "time", "id")


def parse(document: Any) -> Told:
    """The objects that are named."""
    inside = mapping(FORM, document, "it")
    if set(inside) == {"arrivals"}:
        listed = items(FORM, inside["arrivals"], "arrivals")
        return Told(tuple(_one(each, f"arrivals[{place}]") for place, each in enumerate(listed)))
    return Told((_one(inside, "it"),))


def _one(value: Any, place: str) -> Arrival:
    inside = mapping(FORM, value, place)
    for key in inside:
        if key not in _KEYS:
            raise fault(FORM, f"{place} has a field '{key}'{did_you_mean(key, _KEYS)}")
    uri = text(FORM, inside, "uri", place)
    if "://" not in uri:
        raise fault(FORM, f"{place}.uri is no URI such as s3://bucket/key")
    return Arrival(
        source=FORM,
        uri=uri,
        version=optional(FORM, inside, "version", place),
        etag=optional(FORM, inside, "etag", place).strip('"'),
        size=size(FORM, inside, "size", place),
        time=moment(FORM, inside, "time", place),
        id=optional(FORM, inside, "id", place),
    )
