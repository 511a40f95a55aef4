"""Azure Blob Storage, by Event Grid.

Shapes: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage (Event Grid's schema;
that of CloudEvents is read in `cloudevents`) and, for the question whether the endpoint is willing,
https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from mltk.data.arrivals.arrival import Arrival, Told
from mltk.data.arrivals.fields import Object, fault, items, mapping, moment, optional, size, text

FORM = "azure"
CREATED = "Microsoft.Storage.BlobCreated"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_HOSTS = (".eventgrid.azure.net", ".eventgrid.azure.us", ".eventgrid.azure.cn")
# What comes first when a file is written bit by bit; FlushWithClose follows when it is whole.
_BEGUN = "CreateFile"


def parse(document: Any) -> Told:
    """The blobs that were created; nothing for what else happened."""
    # Event Grid always sends a list; whoever sends by hand may leave it out.
    events = [document] if isinstance(document, dict) else items(FORM, document, "it")
    inside = [mapping(FORM, each, f"[{place}]") for place, each in enumerate(events)]
    asked = [each for each in inside if each.get("eventType") == VALIDATION]
    return Told(tuple(_created(inside)), validation_url(asked[0]) if asked else "")


def validation_url(event: Object) -> str:
    """Where a GET says that the endpoint is willing; "" where only an answer can.

    No other host than Event Grid's is asked: whoever sends an event could name any.
    """
    data = mapping(FORM, event.get("data"), "data")
    url = optional(FORM, data, "validationUrl", "data")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise fault(FORM, "data.validationUrl is no URL") from None
    if parts.scheme != "https" or not host.endswith(_HOSTS) or port not in (None, 443, 553):
        raise fault(FORM, "data.validationUrl is none of Event Grid's")
    return url


def blob(data: Any, place: str, time: datetime | None, event_id: str) -> Arrival | None:
    """The blob that the data of an event tell of; None for one that is only begun."""
    inside = mapping(FORM, data, place)
    if inside.get("api") == _BEGUN:
        return None
    url = text(FORM, inside, "url", place)
    try:
        path = unquote(urlsplit(url).path).lstrip("/")
    except ValueError:
        raise fault(FORM, f"{place}.url is no URL") from None
    if "/" not in path:
        raise fault(FORM, f"{place}.url names no blob in a container")
    return Arrival(
        source=FORM,
        uri=f"az://{path}",
        etag=optional(FORM, inside, "eTag", place).strip('"'),
        size=size(FORM, inside, "contentLength", place),
        time=time,
        id=event_id,
    )


def _created(events: list[Object]) -> Iterator[Arrival]:
    for place, event in enumerate(events):
        if text(FORM, event, "eventType", f"[{place}]") != CREATED:
            continue
        time = moment(FORM, event, "eventTime", f"[{place}]")
        event_id = optional(FORM, event, "id", f"[{place}]")
        if found := blob(event.get("data"), f"[{place}].data", time, event_id):
            yield found
