"""What an EventListener answers, creates, asks of others and says of triggers that make nothing."""

from __future__ import annotations

import json
import re
from typing import Any

from mltk.tekton import gojson
from mltk.tekton.triggers.interceptors.remote import Call
from mltk.tekton.triggers.sink import Handled
from tests.parity_triggers import judging
from tests.parity_triggers.deliveries import Delivery, generated

_DELIVERIES, _NUMBER = 600, 1
# What follows these is said in words of Go's own parser of JSON or of our own.
_OWN_WORDS = re.compile(
    r"(Invalid event body format : |error parsing body: (?!payload body missing)|"
    r"failed to unmarshal request body: |failed to parse the body as JSON: |"
    r"failed to unmarshl slack payload: |could not merge extensions with body: |"
    r"couldn't unmarshal json from the TriggerTemplate: |"
    r"failed to (?:evaluate|create a Program): ).*",
    re.DOTALL,
)

_NO_RESPONSE = re.compile(
    r"json: cannot unmarshal .*InterceptorResponse|invalid code: |"
    r"the interceptor answers no InterceptorResponse: "
)


def test_every_delivery_comes_to_what_it_comes_to_in_tekton() -> None:
    deliveries = generated(_NUMBER, _DELIVERIES)
    theirs = judging.ask(each.question for each in deliveries)

    assert differing(deliveries, theirs) == []
    assert sum(len(said["created"] or ()) for said in theirs) > _DELIVERIES / 4


def differing(deliveries: list[Delivery], theirs: list[judging.Answer]) -> list[Any]:
    """Of which mltk says something else than Tekton, and what both say."""
    both = (
        (delivery.body, _theirs(said), _ours(delivery, delivery.handled()))
        for delivery, said in zip(deliveries, theirs, strict=True)
    )
    return [(body, said, mine) for body, said, mine in both if said != mine]


def _theirs(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": said["status"],
        # The length is the server's to say.
        "header": {
            name: lines[0] for name, lines in said["header"].items() if name != "Content-Length"
        },
        "body": _OWN_WORDS.sub(r"\1", said["body"]),
        "created": _sorted(said["created"] or []),
        "calls": _sorted(
            [each["url"], each["header"], _content(each["body"])] for each in said["calls"] or ()
        ),
        "said": sorted(
            # The sender is told of it.
            _plain(each)
            for each in said["said"]
            if not each.startswith("Invalid event body")
        ),
    }


def _ours(delivery: Delivery, handled: Handled) -> dict[str, Any]:
    reasons = [outcome.reason for outcome in handled.outcomes if outcome.reason]
    return {
        "status": handled.answer.status,
        "header": handled.answer.header,
        "body": _OWN_WORDS.sub(r"\1", handled.answer.body.decode()),
        "created": _sorted(each for outcome in handled.outcomes for each in outcome.objects),
        "calls": _sorted(map(_call, delivery.calls)),
        "said": sorted(map(_plain, reasons)),
    }


def _call(call: Call) -> list[Any]:
    return [call.url, dict(call.header), _content(gojson.text(call.body))]


def _content(body: str) -> Any:
    """Extensions go into a body in an order of chance, so an object is compared as one."""
    try:
        return gojson.decode(body.encode())
    except ValueError:
        return body


def _plain(reason: str) -> str:
    if _NO_RESPONSE.match(reason):
        return "no InterceptorResponse"
    return _OWN_WORDS.sub(r"\1", reason)


def _sorted(values: Any) -> list[Any]:
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))
