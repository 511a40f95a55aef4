"""What every event that tells of data comes down to."""

from __future__ import annotations

import dataclasses
from datetime import datetime


@dataclasses.dataclass(frozen=True)
class Arrival:
    """An object that came to be, at `uri`.

    `source` is the form of its event. `version` names this very content where the store has
    versions (an S3 version, a GCS generation), `etag` its digest or mark of change; both may be "".
    `size` is in bytes, `time` knows its zone, `id` is the sender's of the event.
    """

    source: str
    uri: str
    version: str = ""
    etag: str = ""
    size: int | None = None
    time: datetime | None = None
    id: str = ""


@dataclasses.dataclass(frozen=True)
class Told:
    """What an event tells: objects, or a question of the sender's whether he is at the right place.

    `validation_url` is where Azure Event Grid is told so (by a GET), "" when it does not ask.
    """

    arrivals: tuple[Arrival, ...] = ()
    validation_url: str = ""
