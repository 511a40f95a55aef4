"""A real S3 server, versitygw, built once from its Go module."""

from __future__ import annotations

from pathlib import Path

from tests.built import GoProgram

_PROGRAM = GoProgram(
    "versitygw",
    Path(__file__).parent / "go",
    "NO S3 SERVER IS ASKED",
    "github.com/versity/versitygw/cmd/versitygw",
)

missing, built = _PROGRAM.missing, _PROGRAM.built
