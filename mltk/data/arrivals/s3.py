"""Notifications of S3, MinIO, Ceph, versitygw and what else speaks as S3 does.

Shape: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html;
what EventBridge makes of them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html.
A key in a record is encoded as in a form, one of EventBridge is plain.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from mltk.data.arrivals.arrival import Arrival, Told
from mltk.data.arrivals.fields import Object, fault, items, mapping, moment, optional, size, text

FORM = "s3"
_TEST = "s3:TestEvent"
_CREATED = "ObjectCreated"
_BRIDGED = "Object Created"


def parse(document: Any) -> Told:
    """The objects that were created; nothing for a test event and for what else happened."""
    event = mapping(FORM, document, "it")
    if event.get("Event") == _TEST:
        return Told()
    if "detail-type" in event:
        return Told(_bridged(event))
    records = items(FORM, event.get("Records"), "Records")
    found = (record(each, f"Records[{place}]") for place, each in enumerate(records))
    return Told(tuple(each for each in found if each))


def record(value: Any, place: str) -> Arrival | None:
    """The object of one record; None where it tells of something else than a new object."""
    inside = mapping(FORM, value, place)
    # MinIO puts its name before the event's.
    name = text(FORM, inside, "eventName", place).removeprefix("s3:")
    if not name.startswith(_CREATED):
        return None
    entity = mapping(FORM, inside.get("s3"), f"{place}.s3")
    bucket = mapping(FORM, entity.get("bucket"), f"{place}.s3.bucket")
    obj = mapping(FORM, entity.get("object"), f"{place}.s3.object")
    key = unquote_plus(text(FORM, obj, "key", f"{place}.s3.object"))
    return _arrival(
        bucket, obj, key, f"{place}.s3", moment(FORM, inside, "eventTime", place), "eTag"
    )


def _bridged(event: Object) -> tuple[Arrival, ...]:
    if event.get("source") != "aws.s3":
        raise fault(FORM, "its source is not aws.s3")
    if event["detail-type"] != _BRIDGED:
        return ()
    detail = mapping(FORM, event.get("detail"), "detail")
    bucket = mapping(FORM, detail.get("bucket"), "detail.bucket")
    obj = mapping(FORM, detail.get("object"), "detail.object")
    key = text(FORM, obj, "key", "detail.object")
    return (_arrival(bucket, obj, key, "detail", moment(FORM, event, "time", "it"), "etag"),)


def _arrival(bucket: Object, obj: Object, key: str, place: str, time: Any, etag: str) -> Arrival:
    name, inner = text(FORM, bucket, "name", f"{place}.bucket"), f"{place}.object"
    version = optional(FORM, obj, "versionId", inner) or optional(FORM, obj, "version-id", inner)
    return Arrival(
        source=FORM,
        uri=f"s3://{name}/{key}",
        # A bucket without versions calls its only one "null".
        version="" if version == "null" else version,
        etag=optional(FORM, obj, etag, inner).strip('"'),
        size=size(FORM, obj, "size", inner),
        time=time,
        id=optional(FORM, obj, "sequencer", inner),
    )
