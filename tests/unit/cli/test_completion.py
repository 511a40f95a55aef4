"""What TAB offers, and the scripts that make a shell ask."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

from mltk.cli.app import cli

from .conftest import Shell, pipeline_run


def _offered(args: list[str], incomplete: str = "") -> list[str]:
    complete = ShellComplete(cli, {}, "mltk", "_MLTK_COMPLETE")
    return [item.value for item in complete.get_completions(args, incomplete)]


def test_commands_kinds_names_and_models(shell: Shell) -> None:
    (shell.folder / "mltk.yaml").write_text("models: {wine: {}, tea: {}}\n", encoding="utf-8")
    shell.keep(pipeline_run("talk-abcde"))
    assert _offered([], "de") == ["describe", "delete"]
    assert _offered(["get"], "pipeliner") == ["pipelineruns"]
    assert _offered(["get", "pr"], "ta") == ["talk-abcde"]
    assert _offered(["get"], "pr/ta") == ["pr/talk-abcde"]
    assert _offered(["logs"], "talk") == ["talk-abcde"]
    assert _offered(["run"], "w") == ["wine"]
    assert _offered(["get", "pr", "-o"], "j") == ["json"]
    assert "step" not in _offered([])


def test_trouble_offers_nothing(shell: Shell) -> None:
    (shell.folder / "mltk.yaml").write_text("models: [\n", encoding="utf-8")
    assert _offered(["run"]) == []
    assert _offered(["get", "nonsense"]) == []


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_scripts(shell: Shell, name: str) -> None:
    assert "_MLTK_COMPLETE" in shell.mltk("completion", name).out
