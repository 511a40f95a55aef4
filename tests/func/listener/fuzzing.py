"""Hostile events, as many as one likes: ``python -m tests.func.listener.fuzzing --events 1000000``.

What is sent is wrong in one way or another, in HTTP, in JSON, in its signature or its event, and
none of it may make anything, be answered with a fault of the server, or stay in its memory. Half of
it is for a listener for pushes, half for the shipped one for data, whose interceptors `mltk listen`
answers itself.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from mltk.local.backend import LocalBackend

from .conftest import HOOK, SIGNED, Listening, apply, listener, listening, of, push, signed
from .hostile_arrivals import arrival, arrivals
from .hostility import WORDS, Hostile, value

_SENDERS = 8
_LINE = 16
_SECONDS = 20.0
_PAUSE = 0.2
_CLOSES = b"\r\nConnection: close\r\n"
_ENOUGH = 100_000
_FLAT = 8.0  # bytes an event; 30 were once lost to holes between what was kept


@dataclass
class Told:
    """What was answered, by status; -1 is a connection that was closed without an answer.

    `resident` has, for the listener and each of its processes, the bytes that it held after so many
    answers.
    """

    answers: Counter[int] = field(default_factory=Counter)
    resident: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


def fuzz(ear: Listening, events: int, seed: int) -> Told:
    """Send so many events; AssertionError for the first that is answered with 5xx."""
    told = Told()
    share = -(-events // _SENDERS)
    with ThreadPoolExecutor(_SENDERS) as pool:
        futures = [
            pool.submit(_send, ear, share, random.Random(f"{seed}-{number}"), told)
            for number in range(_SENDERS)
        ]
        while not all(future.done() for future in futures):
            _weigh(ear, told)
            time.sleep(0.2)
    for future in futures:
        future.result()
    return told


def _send(ear: Listening, events: int, chance: random.Random, told: Told) -> None:
    left, again = events, list[bytes]()
    while left > 0 or again:
        new = max(0, min(_LINE - len(again), left))
        batch, again = again + [hostile(chance) for _ in range(new)], []
        left -= new
        for request, code in zip(batch, _answers(ear.port, batch), strict=False):
            told.answers[code] += 1
            assert code < 500, request
            if code == HTTPStatus.TOO_MANY_REQUESTS:
                again.append(request)
        if again:
            time.sleep(_PAUSE)


def _answers(port: int, requests: Sequence[bytes]) -> Iterator[int]:
    """The status of each request, sent on one connection as long as that is kept."""
    with ExitStack() as opened:
        connection: socket.socket | None = None
        for request in requests:
            if connection is None:
                address = ("127.0.0.1", port)
                connection = opened.enter_context(socket.create_connection(address, _SECONDS))
                reader = opened.enter_context(connection.makefile("rb"))
            try:
                connection.sendall(request)
                if _CLOSES in request:  # what its length says does not come
                    connection.shutdown(socket.SHUT_WR)
                code, kept = _read(reader)
            except OSError:
                code, kept = -1, False
            yield code
            if not kept or _CLOSES in request:
                connection.close()
                connection = None


def _read(reader: BinaryIO) -> tuple[int, bool]:
    line = reader.readline()
    if not line:
        return -1, False
    code, length, kept = int(line.split()[1]), 0, True
    while line := reader.readline().strip():
        name, _, value = line.lower().partition(b":")
        length = int(value) if name == b"content-length" else length
        kept = kept and not (name == b"connection" and b"close" in value)
    reader.read(length)
    return code, kept


def hostile(chance: random.Random) -> bytes:
    """A request that must make nothing."""
    return (arrival(chance) if chance.random() < 0.5 else _push(chance)).written()


def _push(chance: random.Random) -> Hostile:
    body = _body(chance)
    header = {"X-GitHub-Event": "push"}
    proof = signed(body)["X-Hub-Signature-256"]
    match chance.randrange(8):
        case 0:
            pass
        case 1:
            header["X-Hub-Signature-256"] = proof[:-1] + ("0" if proof[-1] != "0" else "1")
        case 2:
            header["X-Hub-Signature-256"] = proof.replace(
                "sha256", chance.choice(("sha1", "md5", ""))
            )
        case 3:
            header["X-Hub-Signature"] = signed(body + b" ")["X-Hub-Signature-256"]
        case 4:
            header |= {
                "X-Hub-Signature-256": proof,
                "X-GitHub-Event": chance.choice(("ping", "", "PUSH")),
            }
        case 5:
            header["X-Hub-Signature-256"] = chance.choice(WORDS)
        case 6:
            header[chance.choice(("X-GitHub-Delivery", "Content-Type", "Ce-Id"))] = chance.choice(
                WORDS
            )
        case _:
            header["Content-Length"] = chance.choice(
                ("-1", "1e3", "0x10", str(len(body) + 1), "99999999999")
            )
            header["Connection"] = "close"
    path = chance.choice(("/", "/" + chance.choice(("a", "%", "..", "?", "//x", "#", "live"))))
    method = chance.choice(("POST", "POST", "POST", "GET", "PUT", "X"))
    return Hostile(method, path, header, body)


def _body(chance: random.Random) -> bytes:
    match chance.randrange(6):
        case 0:
            return chance.randbytes(chance.randrange(200))
        case 1:
            depth = chance.randrange(1, 3000)
            return b'{"a":' + b"[" * depth + b"]" * depth + b"}"
        case 2:
            return json.dumps(value(chance, 4)).encode()
        case 3:
            body = bytearray(push())
            body[chance.randrange(len(body))] = chance.randrange(256)
            return bytes(body)
        case 4:
            return json.dumps({"ref": value(chance, 2), "after": value(chance, 2)}).encode()
    return push(ref="refs/heads/main")


def made(ear: Listening) -> int:
    """How many objects events have made."""
    with LocalBackend(ear.root / ".mltk", serves=True) as backend:
        return sum(len(list(backend.list(kind))) for kind in ("TaskRun", "PipelineRun"))


def _weigh(ear: Listening, told: Told) -> None:
    """Note what the listener and its processes hold."""
    assert ear.process is not None
    for pid in (ear.process.pid, *ear.workers()):
        with suppress(OSError):  # one that is just being replaced
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            told.resident.setdefault(pid, []).append((told.answers.total(), pages * 4096))


def growth(weighed: Sequence[tuple[int, int]]) -> float:
    """By how many bytes an event a process grew, by least squares, once it was warm.

    The first third of its events warms it.
    """
    first, last = weighed[0][0], weighed[-1][0]
    warm = [each for each in weighed if each[0] >= first + (last - first) / 3]
    events, held = zip(*warm, strict=True)
    return statistics.linear_regression(events, held).slope


def main() -> int:
    """Send them, and say what came of it."""
    parser = argparse.ArgumentParser(description="Send hostile events to mltk listen.")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / ".mltk").mkdir()
        apply(root, listener(SIGNED, of("body.ref == 'refs/heads/main'")), HOOK, *arrivals())
        began = time.monotonic()
        with listening(root, "--no-run", "--queue", "1000", "--log-format", "json") as ear:
            told = fuzz(ear, chosen.events, chosen.seed)
            ear.settled()
            found, parked = made(ear), len(ear.rows("parked"))
        seconds = time.monotonic() - began
    answers = ", ".join(f"{code}: {count}" for code, count in sorted(told.answers.items()))
    judged = told.answers.total() - told.answers[HTTPStatus.TOO_MANY_REQUESTS]
    sys.stdout.write(
        f"seed {chosen.seed}: {judged} events in {seconds:.0f} s; answers {answers};"
        f" {found} objects made, {parked} events parked\n"
    )
    return bool(found or parked) | _grew(told)


def _grew(told: Told) -> bool:
    """Say what each process held; whether one that saw enough events was not flat."""
    grew, replaced = False, list[int]()
    for pid, weighed in told.resident.items():
        events, most = weighed[-1][0] - weighed[0][0], max(held for _, held in weighed)
        if events < _ENOUGH:
            replaced.append(most)
            continue
        each = growth(weighed)
        grew |= each > _FLAT
        sys.stdout.write(
            f"process {pid}: at most {most >> 20} MiB, {each:+.1f} bytes an event, of {_FLAT:.0f}\n"
        )
    most = max(replaced, default=0) >> 20
    sys.stdout.write(f"{len(replaced)} that saw fewer than {_ENOUGH} events: at most {most} MiB\n")
    return grew


if __name__ == "__main__":
    sys.exit(main())
