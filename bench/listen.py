"""What `mltk listen` takes: events a second, how long one waits, and until its first step runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench import tekton_sink
from mltk.tekton.objects import Obj
from tests.func.listener.conftest import (
    HOOK,
    SIGNED,
    TEMPLATE,
    Listening,
    apply,
    listener,
    listening,
    of,
    push,
    signed,
)

CONNECTIONS = 16
SECONDS = 10
QUEUED = 10_000
_PUSHES = 10
TEKTON = 1080.0
"""Events a second that Tekton's own sink took on a machine of two cores; half of it is the load
at which answers are timed."""


@dataclass(frozen=True)
class Theirs:
    """Events a second that Tekton's sink and interceptors answered, their memory in bytes."""

    rate: float
    memory: int


@dataclass(frozen=True)
class Measured:
    """Events a second, p99 in s at half of Tekton's load, memory in bytes, drain in s and bytes.

    `theirs` is what Tekton's sink took in the same minute, None where it is not built.
    """

    rate: float
    theirs: Theirs | None
    waited: float
    memory: int
    drained: float
    grown: int


def measure(folder: Path) -> Measured | str:
    """Send filtered pushes as fast as wrk can; what is in the way when there is no wrk."""
    if shutil.which("wrk") is None:
        return "wrk is not installed (apt-get install wrk)"
    made = listener(SIGNED, of("body.ref == 'refs/heads/main'"))
    theirs = _theirs(folder / "theirs", made) if tekton_sink.is_built() else None
    (folder / ".mltk").mkdir()
    apply(folder, made, HOOK)
    with listening(folder, "--no-run", "--queue", "1000000", "--log-format", "json") as ear:
        rate = _rate(ear, folder)
        waited = asyncio.run(_paced(ear.port, TEKTON / 2, SECONDS / 2))
        memory = _resident(ear)
        drained, grown = _drain(ear)
    return Measured(rate, theirs, waited, memory, drained, grown)


def until_step(folder: Path) -> float:
    """Seconds from a push to the first step that it starts, the median of some."""
    (folder / ".mltk").mkdir()
    told = folder / "told"
    step = {"name": "s", "image": "busybox", "script": f"date +%s.%N >> {told}"}
    made = listener(SIGNED)
    template = {**TEMPLATE["resourcetemplates"][0], "spec": {"taskSpec": {"steps": [step]}}}
    made["spec"]["triggers"][0]["template"]["spec"] = {**TEMPLATE, "resourcetemplates": [template]}
    apply(folder, made, HOOK)
    found = []
    with listening(folder, "--runtime", "plain") as ear:
        for number in range(_PUSHES):
            body = push()
            began = time.time()
            ear.send(body, signed(body))
            ear.wait(lambda number=number: told.exists() and len(_lines(told)) > number)
            found.append(float(_lines(told)[-1]) - began)
    return statistics.median(found)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def _theirs(folder: Path, made: Obj) -> Theirs:
    """The same of Tekton's, which answers first and judges then: what it has answered counts."""
    (folder / ".mltk").mkdir(parents=True)
    with tekton_sink.sinking(folder, made, HOOK) as sink:
        began = time.monotonic()
        sent = _send(sink.port, folder)
        return Theirs(sent / (time.monotonic() - began), sink.resident())


def _rate(ear: Listening, folder: Path) -> float:
    """Events a second, until nothing waits any more."""
    began = time.monotonic()
    sent = _send(ear.port, folder)
    ear.settled()
    return sent / (time.monotonic() - began)


def _send(port: int, folder: Path) -> int:
    """Send as fast as wrk can for some seconds; how many were answered."""
    body = push(ref="refs/heads/other")
    proof = signed(body)["X-Hub-Signature-256"]
    script = folder / "event.lua"
    script.write_text(
        f"wrk.method='POST'\nwrk.body='{body.decode()}'\n"
        f"wrk.headers['X-GitHub-Event']='push'\nwrk.headers['X-Hub-Signature-256']='{proof}'\n"
    )
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script),
         f"http://127.0.0.1:{port}/"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "Non-2xx" not in said, said
    return int(said.partition(" requests in ")[0].split()[-1])


async def _paced(port: int, rate: float, seconds: float) -> float:
    """The time within which 99 of 100 events are answered, sent at a rate."""
    body = push(ref="refs/heads/other")
    header = {"Host": "x", "Content-Length": str(len(body)), **signed(body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in header.items())
    request = f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body
    found: list[float] = []

    async def send(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.perf_counter() + number / rate
        for turn in range(int(rate * seconds / CONNECTIONS)):
            due = began + turn * CONNECTIONS / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            since = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split()[0])
            await reader.readexactly(length)
            found.append(time.perf_counter() - since)
        writer.close()

    await asyncio.gather(*map(send, range(CONNECTIONS)))
    return statistics.quantiles(found, n=100)[98]


def _drain(ear: Listening) -> tuple[float, int]:
    """How long it takes to do what has gathered, and how much memory that takes."""
    workers = ear.workers()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    asyncio.run(_paced(ear.port, 4 * TEKTON, QUEUED / TEKTON / 4))
    before = _resident(ear)
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    began = time.monotonic()
    ear.settled()
    return time.monotonic() - began, max(0, _resident(ear) - before)


def _resident(ear: Listening) -> int:
    assert ear.process is not None
    found = [Path(f"/proc/{pid}/statm").read_text() for pid in (ear.process.pid, *ear.workers())]
    return sum(int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") for text in found)
