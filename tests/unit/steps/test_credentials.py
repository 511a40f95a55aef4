"""A key in the environment becomes a file for libraries that read one."""

from __future__ import annotations

import stat
from pathlib import Path

from mltk.steps.credentials import GOOGLE, google_key_as_file

KEY = '{"type": "service_account"}'


def test_a_key_is_a_file_while_it_is_needed(tmp_path: Path) -> None:
    environment = {GOOGLE: KEY, "HOME": str(tmp_path)}
    with google_key_as_file(environment):
        file = Path(environment[GOOGLE])
        assert file.read_text() == KEY
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.parent == tmp_path
    assert not file.exists()
    assert environment[GOOGLE] == KEY


def test_the_name_of_a_file_stays_as_it_is(tmp_path: Path) -> None:
    for environment in ({}, {GOOGLE: "/run/key.json"}, {GOOGLE: ""}):
        before = dict(environment)
        with google_key_as_file(environment):
            assert environment == before
    assert not list(tmp_path.iterdir())
