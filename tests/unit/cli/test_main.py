"""Errors as words and codes, and what the command line costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import mltk.cli.get as get_module
from mltk import errors
from mltk.cli.app import SECTIONS, cli
from mltk.cli.failure import report

from .conftest import Shell

HEAVY = {
    "dvc", "jinja2", "keras", "matplotlib", "mlflow", "numpy", "pandas", "pydantic", "sqlite3",
    "tensorflow", "yaml",
}  # fmt: skip


def _imported(*args: str) -> set[str]:
    code = f"import sys; from mltk.cli import main; main({list(args)!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("get", "--help"), ("run", "-h")])
def test_help_imports_nothing_heavy(args: tuple[str, ...]) -> None:
    assert _imported(*args) & HEAVY == set()


def test_listing_objects_needs_the_store_and_little_else(tmp_path: Path) -> None:
    (tmp_path / "mltk.yaml").touch()
    code = (
        "import os, sys; os.chdir(sys.argv[1]); from mltk.cli import main;"
        "main(['get', 'pr']); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    imported = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert imported & HEAVY <= {"sqlite3"}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("gte",), "no command 'gte'; did you mean 'get'?"),
        (("get", "pr", "--selectr", "a"), "--selector"),
        (("get",), "KIND"),
        (("run", "--param", "novalue"), "NAME=VALUE"),
    ],
)
def test_usage_ends_with_2(shell: Shell, args: tuple[str, ...], words: str) -> None:
    said = shell.mltk(*args, code=2)
    assert said.err.startswith("error: ")
    assert words in said.err
    assert "--help" in said.err


def test_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shell = Shell(tmp_path, None, capsys)  # type: ignore[arg-type]  # nothing is stored here
    for args in (("run",), ("get", "pr"), ("models", "list"), ("config", "show")):
        said = shell.mltk(*args, code=3)
        assert "no mltk.yaml" in said.err
        assert "mltk init" in said.err


def test_the_parts_of_an_error_stay_apart(capsys: pytest.CaptureFixture[str]) -> None:
    code = report(errors.DataError("no such column", where="wine.csv:1", hint="look"))
    assert code == 3
    assert capsys.readouterr().err == "error: no such column\nwhere: wine.csv:1\nhint: look\n"


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(click.Abort()) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_missing_package_is_said_with_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ModuleNotFoundError("x", name="mlflow")) == 5
    said = capsys.readouterr().err
    assert "the Python package 'mlflow' is not installed" in said
    assert "from its checkout: `make env`, or `pip install '.[all]'`" in said


def test_a_bug_becomes_a_line_and_a_report(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("a bug\nof two lines")

    monkeypatch.setattr(get_module, "parse_targets", broken)
    said = shell.mltk("get", "pr", code=1)
    first, second = said.err.splitlines()
    assert first == "error: internal: RuntimeError: a bug"
    kept = re.search(r"in (\S+);", second)
    assert kept is not None
    text = Path(kept[1]).read_text(encoding="utf-8")
    assert Path(kept[1]).parent == shell.folder / ".mltk"
    assert "Traceback" in text
    assert "in broken" in text


def test_every_command_has_help_options_with_help_and_an_example() -> None:
    root = click.Context(cli, info_name="mltk")
    for command in _commands(cli, root):
        assert command.help, command.name
        assert command.epilog, command.name
        for param in command.params:
            assert not isinstance(param, click.Option) or param.help, (command.name, param.name)


def _commands(group: click.Group, ctx: click.Context) -> list[click.Command]:
    found: list[click.Command] = []
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        found += _commands(command, ctx) if isinstance(command, click.Group) else [command]
    return found


def test_a_module_a_command() -> None:
    folder = Path(get_module.__file__).parent
    for names in SECTIONS.values():
        for name in names:
            assert (folder / f"{name}.py").exists()
