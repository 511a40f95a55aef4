"""Programs of this machine, run with their failure in words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.node.errors import NodeError


def say(line: str) -> None:
    """One line of progress."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def run(
    argv: Sequence[str | Path],
    *,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> str:
    """Run a command to its end and return what it wrote to stdout.

    Raises:
        NodeError: it is not there, or ended with another code than 0.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words, input=stdin, cwd=cwd, env=env, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise NodeError(f"{words[0]}: no such program") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-5:]
        raise NodeError(f"{' '.join(words)[:200]}: exit {done.returncode}: {' | '.join(said)}")
    return done.stdout.decode(errors="replace")


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Whether a command ends with 0; what it says is of no interest."""
    try:
        run(argv)
    except NodeError:
        return False
    return True
