"""A server that is away for a while, as one that is restarted."""

from __future__ import annotations

import pytest

from mltk.errors import InfrastructureError
from mltk.steps.tracking import await_answer


class _Server:
    """One that answers from a moment on, with the clock that tells it."""

    def __init__(self, back_at: float) -> None:
        self.now = 0.0
        self._back_at = back_at

    def reach(self) -> None:
        if self.now < self._back_at:
            raise InfrastructureError("MLflow does not answer")

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_step_goes_on_when_the_server_is_back(capsys: pytest.CaptureFixture[str]) -> None:
    server = _Server(back_at=20)
    await_answer(server.reach, 60, clock=server.clock, sleep=server.sleep)
    assert 20 <= server.now < 26
    assert capsys.readouterr().err == "waiting up to 60 s: MLflow does not answer\n"


def test_a_server_that_stays_away_is_given_up_in_time() -> None:
    server = _Server(back_at=1000)
    with pytest.raises(InfrastructureError, match="does not answer"):
        await_answer(server.reach, 60, clock=server.clock, sleep=server.sleep)
    assert server.now == 60


def test_nobody_waits_who_has_not_asked_to() -> None:
    server = _Server(back_at=1)
    with pytest.raises(InfrastructureError, match="does not answer"):
        await_answer(server.reach, 0, clock=server.clock, sleep=server.sleep)
    assert server.now == 0
