"""CloudEvents 1.0: one, structured, or a batch.

Shape: https://github.com/cloudevents/spec (JSON format). One in binary mode has its attributes in
headers `ce-*`; the trigger that takes it puts them beside `data`, and then it is a structured one.
What is in `data` is known by the type: Azure's, Google's (Eventarc), S3's by the adapter of the
specification, and any other has the fields of the form `generic`.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from typing import Any

from mltk.data.arrivals import azure, gcs, generic, s3
from mltk.data.arrivals.arrival import Arrival, Told
from mltk.data.arrivals.fields import Object, fault, items, mapping, moment, optional, text

FORM = "cloudevents"
_GOOGLE = "google.cloud.storage.object.v1."
_S3 = "com.amazonaws.s3."


def parse(document: Any) -> Told:
    """The objects that the events tell of."""
    events = [document] if isinstance(document, dict) else items(FORM, document, "it")
    told = [_one(each, f"[{place}]") for place, each in enumerate(events)]
    urls = [each.validation_url for each in told if each.validation_url]
    arrivals = tuple(arrival for each in told for arrival in each.arrivals)
    return Told(arrivals, urls[0] if urls else "")


def _one(value: Any, place: str) -> Told:
    event = mapping(FORM, value, place)
    if optional(FORM, event, "specversion", place) != "1.0":
        raise fault(FORM, f"{place}.specversion is not 1.0")
    kind, event_id = text(FORM, event, "type", place), text(FORM, event, "id", place)
    text(FORM, event, "source", place)
    time, data = moment(FORM, event, "time", place), _data(event, place)
    if kind == azure.VALIDATION:
        return Told(validation_url=azure.validation_url({"data": data}))
    if kind.startswith("Microsoft.Storage."):
        found = azure.blob(data, f"{place}.data", time, event_id) if kind == azure.CREATED else None
        return _told([found])
    if kind.startswith(_GOOGLE):
        if kind != f"{_GOOGLE}finalized":
            return Told()
        inside = mapping(FORM, data, f"{place}.data")
        return _told([gcs.resource(inside, f"{place}.data", event_id=event_id)])
    if kind.startswith(_S3):
        return _of_s3(data, place, event_id)
    told = generic.parse(data)
    return Told(
        tuple(
            dataclasses.replace(each, id=each.id or event_id, time=each.time or time)
            for each in told.arrivals
        )
    )


def _of_s3(data: Any, place: str, event_id: str) -> Told:
    inside = mapping(FORM, data, f"{place}.data")
    if "Records" in inside or "Event" in inside:
        return s3.parse(inside)
    found = s3.record(inside, f"{place}.data")
    return _told([dataclasses.replace(found, id=event_id) if found else None])


def _data(event: Object, place: str) -> Any:
    """The data of an event, read where they are text or base64 of JSON."""
    data = event.get("data")
    try:
        if "data_base64" in event:
            written = base64.b64decode(optional(FORM, event, "data_base64", place), validate=True)
            return json.loads(written)
        return json.loads(data) if isinstance(data, str) else data
    except (binascii.Error, ValueError, RecursionError):
        raise fault(FORM, f"{place}.data is no JSON") from None


def _told(found: list[Arrival | None]) -> Told:
    return Told(tuple(each for each in found if each))
