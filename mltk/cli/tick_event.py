"""A tick as a CloudEvent, for those who have a clock and leave the looking to a listener."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
import uuid

from mltk.errors import InfrastructureError, UsageError
from mltk.urls import without_password

TYPE = "dev.mltk.windows.tick"
"""Type of the event; the trigger in `tekton/windows` waits for it."""

_SECONDS = 30.0


def post(url: str, identifier: str = "") -> str:
    """Post a tick in CloudEvents' binary mode; what the listener answered.

    UsageError for an URL that is none, InfrastructureError when nobody takes the event.
    """
    shown = without_password(url)
    if not url.startswith(("http://", "https://")):
        raise UsageError(
            f"'{shown}' is no address of a listener", hint="write it as http://HOST:PORT"
        )
    headers = {
        "Content-Type": "application/json",
        "Ce-Specversion": "1.0",
        "Ce-Type": TYPE,
        "Ce-Source": "mltk/windows",
        "Ce-Id": identifier or str(uuid.uuid4()),
    }
    try:
        request = urllib.request.Request(url, b"{}", headers, method="POST")  # noqa: S310 - see above
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return f"{shown} took the tick: {answer.status}"
    except urllib.error.HTTPError as error:
        error.close()
        why = f"it answered {error.code} {error.reason}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = str(getattr(error, "reason", None) or error)
    raise InfrastructureError(
        f"the tick was not taken: {why}",
        where=shown,
        hint="see that the listener is there: kubectl get eventlistener",
    )
