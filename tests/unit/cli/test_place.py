"""Which folder a command works in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltk.cli.folder import find_root
from mltk.errors import ConfigError


def test_the_project_of_a_folder_below(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"no mltk\.yaml") as caught:
        find_root(below)
    assert "mltk init" in str(caught.value.hint)
    (tmp_path / "mltk.yaml").touch()
    assert find_root(below) == tmp_path


def test_the_state_of_an_engine_is_enough(tmp_path: Path) -> None:
    assert find_root(tmp_path, make=True) == tmp_path
    (tmp_path / ".mltk").mkdir()
    (tmp_path / ".mltk" / "state.db").touch()
    (tmp_path / "below").mkdir()
    assert find_root(tmp_path / "below", make=True) == tmp_path
