"""A command whose output goes to files too, run by Python and by a shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mltk.local.tee import tee


@pytest.mark.parametrize("shell", [False, True])
def test_output_goes_to_files_too(tmp_path: Path, shell: bool) -> None:
    out, err = tmp_path / "deep" / "out", tmp_path / "err"
    command = ("sh", "-c", 'echo "$1"; echo two >&2; exit 3', "x", "one $HOME")
    for _ in range(2):
        done = subprocess.run(
            tee(command, str(out), str(err), by_shell=shell), capture_output=True, text=True
        )
        assert (done.returncode, done.stdout, done.stderr) == (3, "one $HOME\n", "two\n")
    assert (out.read_text(), err.read_text()) == ("one $HOME\n" * 2, "two\n" * 2)


@pytest.mark.parametrize("shell", [False, True])
def test_one_stream_alone_and_a_signal(tmp_path: Path, shell: bool) -> None:
    err = tmp_path / "err"
    command = ("sh", "-c", "echo one; echo two >&2; kill -9 $$")
    done = subprocess.run(
        tee(command, "", str(err), by_shell=shell), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (137 if shell else -9, "one\n")
    assert done.stderr.startswith("two\n")  # some shells tell of the signal, too
    assert err.read_text() == done.stderr


def test_without_files_a_command_stays_as_it_is() -> None:
    assert tee(["c", "a"], "", "", by_shell=True) == ("c", "a")
