"""`mltk listen` as people start it, and senders of events."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.local.backend import LocalBackend
from mltk.tekton.objects import Obj, is_done

MLTK = str(Path(sys.executable).parent / "mltk")
SECRET = b"s3cret"
_LIMIT = 30.0

TEMPLATE: Obj = {
    "params": [{"name": "sha"}],
    "resourcetemplates": [
        {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {"generateName": "push-"},
            "spec": {
                "taskSpec": {
                    "steps": [
                        {
                            "name": "say",
                            "image": "busybox",
                            "command": ["echo", "$(tt.params.sha)"],
                        }
                    ]
                }
            },
        }
    ],
}
SIGNED: Obj = {
    "ref": {"name": "github"},
    "params": [
        {"name": "secretRef", "value": {"secretName": "hook", "secretKey": "token"}},
        {"name": "eventTypes", "value": ["push"]},
    ],
}


def of(expression: str) -> Obj:
    """The interceptor `cel` with a filter."""
    return {"ref": {"name": "cel"}, "params": [{"name": "filter", "value": expression}]}


def listener(*interceptors: Obj, name: str = "github") -> Obj:
    """An EventListener whose one trigger says the commit of a push."""
    trigger = {
        "name": "push",
        "interceptors": list(interceptors),
        "bindings": [{"name": "sha", "value": "$(body.after)"}],
        "template": {"spec": TEMPLATE},
    }
    return {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "EventListener",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"triggers": [trigger]},
    }


HOOK: Obj = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "hook", "namespace": "default"},
    "stringData": {"token": SECRET.decode()},
}


def signed(body: bytes, delivery: str = "") -> dict[str, str]:
    """Headers of a push that GitHub sends."""
    proof = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": f"sha256={proof}",
        **({"X-GitHub-Delivery": delivery} if delivery else {}),
    }


def push(commit: str = "a" * 40, ref: str = "refs/heads/main") -> bytes:
    """The body of a push."""
    return json.dumps({"ref": ref, "after": commit}).encode()


@dataclass
class Reply:
    """An answer, read whole."""

    code: int
    header: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """The id that the listener gave the event."""
        assert self.code == 202, self.body
        return str(json.loads(self.body)["eventID"])


@dataclass
class Listening:
    """A listener of a folder, in a process of its own."""

    root: Path
    words: Sequence[str] = ()
    process: subprocess.Popen[str] | None = None
    port: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.root / "listen.log"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        begun = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [MLTK, "listen", "--port", "0", *self.words], cwd=self.root, stderr=log, text=True
            )
        self.wait(lambda: "Ctrl-C ends it" in self.log.read_text()[begun:])
        found = self.log.read_text()[begun:].partition("listening at ")[2].split()[0]
        self.port = int(found.split("://")[1].split("/")[0].rpartition(":")[2])

    def send(
        self,
        body: bytes,
        header: dict[str, str] | None = None,
        path: str = "/",
        method: str = "POST",
    ) -> Reply:
        """Send an event."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LIMIT)
        try:
            connection.request(method, path, body, header or {})
            found = connection.getresponse()
            lines = {name.lower(): value for name, value in found.getheaders()}
            return Reply(found.status, lines, found.read())
        finally:
            connection.close()

    def ended(self, kind: str) -> list[Obj]:
        """The runs of a kind that have ended."""
        with LocalBackend(self.root / ".mltk", serves=True) as backend:
            return [each for each in backend.list(kind) if is_done(each)]

    def wait(self, condition: Callable[[], Any], seconds: float = _LIMIT) -> Any:
        """Wait until something is so, which another process brings about."""
        for _ in range(int(seconds / 0.02)):
            if found := condition():
                return found
            assert self.process is None or self.process.poll() is None, self.log.read_text()
            signal.sigtimedwait([], 0.02)
        raise AssertionError(self.log.read_text())

    def settled(self) -> None:
        """Wait until nothing waits."""
        self.wait(lambda: not self.rows("waiting"))

    def rows(self, state: str) -> list[tuple[Any, ...]]:
        """Events in a state, as the store has them."""
        with LocalBackend(self.root / ".mltk", serves=True) as backend:
            return backend.store.database.query(
                "SELECT event, made, tries FROM events WHERE state=?", (state,)
            )

    def runs(self, event_id: str = "") -> list[Obj]:
        """The TaskRuns that events made, or one of them."""
        with LocalBackend(self.root / ".mltk", serves=True) as backend:
            which = f"triggers.tekton.dev/triggers-eventid={event_id}" if event_id else None
            return list(backend.list("TaskRun", None, which))

    def workers(self) -> list[int]:
        """The processes that evaluate events."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task")
        found = [(task / "children").read_text().split() for task in tasks.iterdir()]
        return [int(pid) for pids in found for pid in pids]

    def kill(self, number: int = signal.SIGKILL) -> int:
        """End it by a signal; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(_LIMIT)


def apply(root: Path, *objs: Obj) -> str:
    """`mltk apply`; what it says on standard error."""
    done = subprocess.run(
        [MLTK, "apply", "-f", "-"],
        cwd=root,
        input=yaml.safe_dump_all(objs),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


@contextmanager
def listening(root: Path, *words: str) -> Iterator[Listening]:
    """`mltk listen` in a folder."""
    (root / ".mltk").mkdir(parents=True, exist_ok=True)
    found = Listening(root, words)
    found.start()
    try:
        yield found
    finally:
        if found.process is not None and found.process.poll() is None:
            os.kill(found.process.pid, signal.SIGTERM)
            assert found.process.wait(_LIMIT) in (0, 130), found.log.read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an EventListener for signed pushes to main."""
    (tmp_path / ".mltk").mkdir()
    apply(tmp_path, listener(SIGNED, of("body.ref == 'refs/heads/main'")), HOOK)
    return tmp_path
