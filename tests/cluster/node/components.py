"""The processes of the node: what each is, in the order in which they start."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node import processes
from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import STATE
from tests.cluster.node.processes import Process
from tests.cluster.node.sandbox import Sandbox


@dataclass(frozen=True)
class Component:
    """A program of the node; ``configure`` writes the files that it reads."""

    name: str
    argv: Sequence[str | Path]
    configure: Callable[[], None] = lambda: None

    @property
    def log(self) -> Path:
        """What it says, of all its lives."""
        return STATE / "logs" / f"{self.name}.log"

    def process(self) -> Process | None:
        """Its process, when it runs."""
        return processes.read(self._pid_file)

    def start(self, sandbox: Sandbox) -> None:
        """Start it, unless it runs."""
        if self.process():
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.configure()
        sandbox.spawn(self.name, self.argv, self.log).write(self._pid_file)

    def stop(self) -> None:
        """End it, if it runs."""
        process = self.process()
        if process:
            process.end()

    @property
    def _pid_file(self) -> Path:
        return STATE / "run" / f"{self.name}.pid"


def refuse_death(parts: Iterable[Component]) -> None:
    """Raise when one of these has ended.

    Raises:
        NodeError: with the last line of its log.
    """
    for part in parts:
        if part.process() is None:
            lines = part.log.read_text(encoding="utf-8", errors="replace").splitlines()
            last = lines[-1] if lines else "it said nothing"
            raise NodeError(f"{part.name} ended: {last[:300]}", hint=f"less {part.log}")


class Revival:
    """Starts again what ended: a kubelet that was faster than its runtime, say."""

    def __init__(self, sandbox: Sandbox, parts: Sequence[Component], lives: int = 10) -> None:
        self._sandbox = sandbox
        self._parts = parts
        self._lives = {part.name: lives for part in parts}

    def tend(self) -> None:
        """Start what does not run.

        Raises:
            NodeError: it has ended too often.
        """
        for part in self._parts:
            if part.process() is None:
                self._lives[part.name] -= 1
                if not self._lives[part.name]:
                    refuse_death([part])
                time.sleep(1)
                part.start(self._sandbox)
