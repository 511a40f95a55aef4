"""The pages about commands and exit codes say what the code says."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

from mltk import errors
from mltk.cli.reference import render

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_commands_is_current() -> None:
    page = DOCS / "commands.md"
    if os.environ.get("MLTK_REGENERATE"):
        page.write_text(render(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == render(), "MLTK_REGENERATE=1 rewrites it"


def test_every_error_is_on_the_page_of_exit_codes() -> None:
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.MltkError):
            (line,) = [line for line in page.splitlines() if f"`{name}`" in line]
            assert line.startswith(f"| {kind.exit_code} |"), line
