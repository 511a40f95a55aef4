"""The Node.js that stays: the same answers as of a fresh one, and nobody is kept waiting."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import StepError
from mltk.tfjs import Bundle, read_bundle, service
from mltk.tfjs.javascript import Reply, execute
from tests.func.tfjs.conftest import ROWS

pytestmark = pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="only on Linux")

BACKENDS = ["cpu", "wasm"]
JOB: dict[str, Any] = {"backends": BACKENDS, "inputs": None, "batch": 4, "timed": None}


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> Iterator[service.Service]:
    """One that has come up, whatever this process has already."""
    monkeypatch.setattr(service, "_standing", [])
    assert service.keep()
    (found,) = service._standing
    with _greeting(found) as channel:
        channel.sendall(b"{}")
        channel.shutdown(socket.SHUT_WR)
        assert "error" in json.loads(channel.recv(10_000))
        assert channel.recv(1) == b""
    yield found
    service.release()


@pytest.fixture
def read(bundle: Path) -> Bundle:
    return read_bundle(bundle)


def _greeting(of: service.Service) -> socket.socket:
    """A connection whose job it waits for."""
    channel = socket.socket(socket.AF_UNIX)
    channel.settimeout(30)
    channel.connect(f"/proc/self/fd/{of.address}")
    assert json.loads(channel.recv(100)) == {"ready": True}
    return channel


def _exact(reply: Reply) -> list[Any]:
    return [
        (each.backend, each.golden, {name: rows.tobytes() for name, rows in each.outputs.items()})
        for each in reply.answers
    ]


def test_it_answers_what_a_fresh_one_answers_to_forks_too(
    read: Bundle, monkeypatch: pytest.MonkeyPatch, standing: service.Service
) -> None:
    monkeypatch.setattr(service, "_GREETING_SECONDS", 30)
    monkeypatch.setattr(service, "_standing", [])
    fresh = execute(read, BACKENDS, {"x": ROWS})
    service._standing.append(standing)
    monkeypatch.setenv("MLTK_NODE", "/nowhere/node")
    for _ in range(3):
        assert _exact(execute(read, BACKENDS, {"x": ROWS})) == _exact(fresh)
    if not (child := os.fork()):
        os._exit(_exact(execute(read, BACKENDS, {"x": ROWS})) != _exact(fresh))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_model_that_fails_leaves_nothing_to_the_next(
    read: Bundle, monkeypatch: pytest.MonkeyPatch, standing: service.Service
) -> None:
    monkeypatch.setattr(service, "_GREETING_SECONDS", 30)
    fine = service.ask(read, JOB)
    content = (read.folder / "model.json").read_bytes()
    (read.folder / "model.json").write_text("{}")
    assert service.ask(read, JOB)["error"]["file"] == "model.json"
    with pytest.raises(StepError, match=r"not what was exported: model\.json is changed"):
        execute(read, ["cpu"])
    (read.folder / "model.json").write_bytes(content)
    assert service.ask(read, JOB) == fine


def test_who_cannot_have_it_runs_another(
    read: Bundle, monkeypatch: pytest.MonkeyPatch, standing: service.Service
) -> None:
    with _greeting(standing):
        assert service.ask(read, JOB) is None  # it is at work
    assert service.ask(read, {**JOB, "backends": ["abacus"]}) is None
    assert service.ask(read, {**JOB, "timed": {"count": 1, "warmup": 0}}) is None
    monkeypatch.setattr(service, "_MOST_BYTES", 1)
    assert service.ask(read, JOB) is None
    assert execute(read, BACKENDS).runtime["tfjs"]


def test_it_ends_with_its_owner(standing: service.Service) -> None:
    with _greeting(standing) as channel:
        service.release()
        assert channel.recv(1) == b""
