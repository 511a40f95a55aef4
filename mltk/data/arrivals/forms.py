"""The forms of events by name."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from mltk.data.arrivals import azure, cloudevents, gcs, generic, mlflow, s3
from mltk.data.arrivals.arrival import Told
from mltk.data.arrivals.fields import fault
from mltk.errors import UsageError
from mltk.wording import did_you_mean

FORMS: Mapping[str, Callable[[Any], Told]] = {
    each.FORM: each.parse for each in (s3, gcs, azure, cloudevents, mlflow, generic)
}


TOO_LONG = "too-long"
"""What triggers hand on in place of an event that is too long for an argument of a command."""


def parse(form: str, document: Any) -> Told:
    """What an event of `form` tells; DataError for one of another form, UsageError for no form."""
    if form not in FORMS:
        raise UsageError(
            f"there is no form of events '{form}'{did_you_mean(form, FORMS)}",
            hint=f"forms: {', '.join(FORMS)}",
        )
    return FORMS[form](document)


def decode(form: str, written: str) -> Told:
    """The same of an event as triggers hand it on: JSON in base64, which no template breaks."""
    try:
        document = json.loads(base64.b64decode(written, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise fault(form, "it is no JSON in base64") from None
    return parse(form, document)
