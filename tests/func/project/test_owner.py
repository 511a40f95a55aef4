"""Folders that belong to somebody else: a volume may give all files one owner."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mltk.data.checkout import check_out
from mltk.errors import InfrastructureError
from mltk.project.git import Repository

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")

SOMEBODY = 65532


def _give_away(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)


def test_a_clone_on_a_volume_with_one_owner_is_kept(repository: Repository, tmp_path: Path) -> None:
    revision = repository.head()
    clone = check_out(str(repository.root), revision, tmp_path / "clone")
    _give_away(clone.root)
    with pytest.raises(InfrastructureError, match="dubious ownership"):
        Repository(clone.root).git("status")
    before = (clone.root / ".git").stat().st_ino
    (clone.root / "mltk.yaml").unlink()
    again = check_out(str(repository.root), revision, tmp_path / "clone")
    assert again.head() == revision
    assert (again.root / "mltk.yaml").is_file()
    assert (again.root / ".git").stat().st_ino == before


def test_a_project_of_another_user_is_refused_in_words(
    repository: Repository, tmp_path: Path
) -> None:
    revision, theirs = repository.head(), tmp_path / "theirs"
    shutil.copytree(repository.root, theirs)
    _give_away(theirs)
    with pytest.raises(InfrastructureError, match="a folder of another user") as refused:
        check_out(str(theirs), revision, tmp_path / "clone")
    assert f"safe.directory {theirs}" in str(refused.value.hint)
