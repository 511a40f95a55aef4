"""Google Cloud Storage, by a push subscription of Pub/Sub.

Shapes: https://cloud.google.com/pubsub/docs/push and, for the attributes and the resource in the
message, https://cloud.google.com/storage/docs/pubsub-notifications.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from mltk.data.arrivals.arrival import Arrival, Told
from mltk.data.arrivals.fields import Object, fault, mapping, moment, optional, size, text

FORM = "gcs"
_FINALIZED = "OBJECT_FINALIZE"


def parse(document: Any) -> Told:
    """The object that was written, anew or over another one; nothing for what else happened."""
    message = mapping(FORM, mapping(FORM, document, "it").get("message"), "message")
    attributes = mapping(FORM, message.get("attributes"), "message.attributes")
    if text(FORM, attributes, "eventType", "message.attributes") != _FINALIZED:
        return Told()
    bucket = text(FORM, attributes, "bucketId", "message.attributes")
    name = text(FORM, attributes, "objectId", "message.attributes")
    found = resource(_resource(message), "message.data", f"gs://{bucket}/{name}")
    generation = optional(FORM, attributes, "objectGeneration", "message.attributes")
    time = moment(FORM, attributes, "eventTime", "message.attributes")
    return Told(
        (
            Arrival(
                source=FORM,
                uri=found.uri,
                version=generation or found.version,
                etag=found.etag,
                size=found.size,
                time=time or found.time,
                id=optional(FORM, message, "messageId", "message"),
            ),
        )
    )


def resource(inside: Object, place: str, uri: str = "", event_id: str = "") -> Arrival:
    """An object as the JSON API describes it; `uri` where that is known from elsewhere."""
    if not uri:
        bucket, name = text(FORM, inside, "bucket", place), text(FORM, inside, "name", place)
        uri = f"gs://{bucket}/{name}"
    return Arrival(
        source=FORM,
        uri=uri,
        version=optional(FORM, inside, "generation", place),
        etag=optional(FORM, inside, "etag", place),
        size=size(FORM, inside, "size", place),
        time=moment(FORM, inside, "updated", place) or moment(FORM, inside, "timeCreated", place),
        id=event_id,
    )


def _resource(message: Object) -> Object:
    """What is in the message; a notification with `payloadFormat: NONE` has nothing there."""
    data = optional(FORM, message, "data", "message")
    if not data:
        return {}
    try:
        found = json.loads(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise fault(FORM, "message.data is no JSON in base64") from None
    return mapping(FORM, found, "message.data")
