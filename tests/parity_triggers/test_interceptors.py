"""What the core interceptors say, word for word."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from mltk.tekton.triggers.interceptors.core import NAMES, Core
from mltk.tekton.triggers.interceptors.protocol import Response
from tests.parity_triggers import judging
from tests.parity_triggers.requests import SECRETS, generated

_REQUESTS, _NUMBER = 400, 1
# What follows is said by a parser of JSON, each its own words.
_PARSERS = ("error parsing body: ", "failed to unmarshl slack payload: ")


def _nobody(host: str, token: str) -> NoReturn:
    raise AssertionError(f"asked GitHub: {host}")


@pytest.fixture(scope="module")
def core() -> Core:
    return Core(lambda namespace, name: SECRETS.get(f"{namespace}/{name}"), _nobody)


@pytest.mark.parametrize("name", NAMES)
def test_every_request_is_answered_as_by_tekton(name: str, core: Core) -> None:
    sent = generated(name, _NUMBER, _REQUESTS)
    theirs = judging.ask(each.question for each in sent)

    differing = [
        (each, said, mine)
        for each, said in zip(sent, theirs, strict=True)
        if not _agree(said, mine := core.process(name, each.request))
    ]

    assert differing == []
    assert any(said["body"]["continue"] for said in theirs if "body" in said)


def _agree(theirs: judging.Answer, mine: Response) -> bool:
    if "panic" in theirs:
        return not mine.goes_on
    return _plain(theirs["body"]) == _plain(_as_json(mine))


def _as_json(mine: Response) -> dict[str, Any]:
    status = {"code": mine.code, "message": mine.message}
    found: dict[str, Any] = {"continue": mine.goes_on}
    if mine.extensions:
        found["extensions"] = dict(mine.extensions)
    return found | {"status": {key: value for key, value in status.items() if value}}


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    message = said["status"].get("message", "")
    for prefix in _PARSERS:
        if message.startswith(prefix) and "payload body missing" not in message:
            said["status"]["message"] = prefix
    return said
