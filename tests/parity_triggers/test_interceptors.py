"""What the core interceptors say, word for word."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import pytest

from mltk.tekton.triggers.interceptors.core import NAMES, Core
from mltk.tekton.triggers.interceptors.protocol import Response
from tests.parity_triggers import expressions, judging
from tests.parity_triggers.requests import SECRETS, GitHub, Sent, generated

_REQUESTS, _NUMBER = 400, 1
# What follows these is said by a parser or by an implementation of CEL, each in its own words.
_OWN_WORDS = re.compile(
    r"(error parsing body: (?!payload body missing)|failed to unmarshl slack payload: |"
    r"error making the evaluation context: failed to parse the body as JSON: |"
    r"failed to sjson for key '.*?' to |failed to unmarshal extensions into map: |"
    r"error evaluating cel expression: failed to parse expression .*?: ERROR: |"
    r"error evaluating cel expression: expression .* "
    r"(?:check failed: ERROR: |failed to (?:evaluate|create a Program): )).*",
    re.DOTALL,
)


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


def test_github_is_asked_what_tekton_asks_it() -> None:
    sent = generated("owners", _NUMBER, _REQUESTS)
    theirs = judging.ask(each.question for each in sent)

    differing = [
        (each, said, mine)
        for each, said in zip(sent, theirs, strict=True)
        if not _agree(said, mine := _with_github(each).process("github", each.request))
    ]

    assert differing == []
    goes_on = [said["body"]["continue"] for said in theirs if "body" in said]
    assert 0.2 * _REQUESTS < sum(goes_on) < 0.8 * _REQUESTS


def _with_github(sent: Sent) -> Core:
    def connect(host: str, token: str) -> GitHub:
        assert sent.github is not None
        return sent.github

    return Core(lambda namespace, name: SECRETS.get(f"{namespace}/{name}"), connect)


def test_every_expression_comes_to_what_it_comes_to_in_tekton(core: Core) -> None:
    sent = list(map(expressions.sent, expressions.ALIKE))
    theirs = judging.ask(each.question for each in sent)

    differing = [
        (expression, said, mine)
        for expression, each, said in zip(expressions.ALIKE, sent, theirs, strict=True)
        if not _agree(said, mine := core.process("cel", each.request))
    ]

    assert differing == []


def test_known_differences_are_still_there(core: Core) -> None:
    sent = list(map(expressions.sent, expressions.DIFFERENT))
    theirs = judging.ask(each.question for each in sent)

    assert [
        expression
        for expression, each, said in zip(expressions.DIFFERENT, sent, theirs, strict=True)
        if _agree(said, core.process("cel", each.request))
    ] == []


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
    message = _OWN_WORDS.sub(r"\1", said["status"].get("message", ""))
    # protobuf writes one space or the other, by the build.
    message = message.replace("\u00a0", " ")
    message = message.replace("failed to create a Program: ", "failed to evaluate: ")
    return said | {"status": said["status"] | {"message": message}}
