"""Folders that go in the background."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mltk.local.removal import Removal


def filled(folder: Path) -> Path:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "file").write_text("x")
    return folder


@pytest.mark.parametrize("program", ["rm", "none"])
def test_folders_of_all_disks_are_gone_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    if program == "none":
        monkeypatch.setenv("PATH", str(tmp_path))
    memory = Path("/dev/shm") / f"mltk-test-{tmp_path.name}"
    if not memory.parent.is_dir():
        memory = tmp_path / "memory"
    removal = Removal(tmp_path / "removed", memory / "removed")
    folders = [filled(tmp_path / "one"), filled(memory / "two"), tmp_path / "never there"]
    for folder in folders:
        removal.add(folder)
    assert not any(folder.exists() for folder in folders)
    removal.finish()
    assert not (tmp_path / "removed").exists()
    assert not (memory / "removed").exists()
    memory.rmdir()


def test_several_may_add_while_others_wait_for_the_end(tmp_path: Path) -> None:
    removal = Removal(tmp_path / "removed")

    def add(number: int) -> None:
        for each in range(20):
            removal.add(filled(tmp_path / f"{number}-{each}"))
        removal.finish()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    removal.finish()
    assert not list(tmp_path.iterdir())
