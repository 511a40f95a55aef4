"""What hostile events are made of."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

WORDS = (
    "", "\0", "\r\nX-Hub-Signature-256: sha256=", "refs/heads/main", "$(body.ref)", "{{", "\u2028",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "9" * 400, "-0", "1e999", "true",
    "../" * 30, "%00%ff", "'; DROP TABLE events; --", "\x1b[31m", "A" * 5000,
)  # fmt: skip


@dataclass(frozen=True)
class Hostile:
    """A request, right as HTTP or not."""

    method: str
    path: str
    header: Mapping[str, str]
    body: bytes

    def written(self) -> bytes:
        """As it is sent."""
        header = {"Host": "x", "Content-Length": str(len(self.body)), **self.header}
        lines = [f"{name}: {value}" for name, value in header.items()]
        said = "\r\n".join([f"{self.method} {self.path} HTTP/1.1", *lines, "", ""])
        return said.encode("utf-8", "surrogatepass") + self.body


def value(chance: random.Random, depth: int) -> object:
    """A value of JSON."""
    if not depth or chance.random() < 0.3:
        return chance.choice((*WORDS, None, True, -1, 2**70, 0.1))
    if chance.random() < 0.5:
        return [value(chance, depth - 1) for _ in range(chance.randrange(5))]
    return {chance.choice(WORDS): value(chance, depth - 1) for _ in range(chance.randrange(5))}
