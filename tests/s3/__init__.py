"""A real S3 server, versitygw, built once from its Go module."""

from __future__ import annotations

from pathlib import Path

from tests.built import go_program, no_go

_PROGRAM = go_program(
    "versitygw", Path(__file__).parent / "go", "github.com/versity/versitygw/cmd/versitygw"
)


def missing() -> str:
    """What this machine lacks, in words; "" for nothing."""
    return no_go(_PROGRAM, "NO S3 SERVER IS ASKED")


def built() -> Path:
    """The program; a minute or two the first time."""
    return _PROGRAM.built() / _PROGRAM.name
