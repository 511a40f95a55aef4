"""The step is killed at random moments, and begun again: every row is there, and once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.func.arrivals.conftest import MLTK, Waiting

ROUNDS = 10


@pytest.mark.parametrize("where", ["work tree", "repository"])
def test_no_row_is_lost_or_doubled_by_a_kill(waiting: Waiting, where: str) -> None:
    chance = random.Random(f"6 {where}")
    url = waiting.root if where == "work tree" else waiting.bare()
    expected = []
    killed = 0
    for number in range(ROUNDS):
        rows = [f"{number},{row},{number + 2 * row}" for row in range(1 + number % 3)]
        waiting.drop(f"{number}.csv", *rows, age=1000 - number)
        expected += rows
        killed += _killed(waiting, url, chance.uniform(0.3, 1.1))
        done = waiting.step(url)
        assert done.code == 0, done.said
        assert waiting.rows("main", at=url)[40:] == expected
        ledger = waiting.git("show", "main:data.arrivals", at=url).splitlines()
        assert len(ledger) == number + 1
    assert killed
    if where == "work tree":
        assert waiting.git("status", "--porcelain") == ""
        assert (waiting.root / "data/points.csv").read_text().splitlines()[41:] == expected


def _killed(waiting: Waiting, url: Path, after: float) -> bool:
    """Begin the step and kill it with all that it has started; whether it was still at work."""
    words = [MLTK, "step", "ingest", f"--workspace={waiting.workspace}", f"--repo-url={url}"]
    process = subprocess.Popen(
        words,
        cwd=waiting.workspace,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False
