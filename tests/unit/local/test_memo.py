"""What the cache sees of a workspace of which a TaskRun changes one path alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from mltk.local.cache import Cache
from mltk.local.memo import ClaimUse, Memo, narrowed
from mltk.local.podvolumes import shared

BELOW = "trials/x"


def memo(tmp_path: Path, volume: str) -> Memo:
    root = tmp_path / volume
    root.mkdir()
    folders = narrowed({"run": root}, BELOW)
    assert folders is not None
    share = partial(shared, fs_group=None, open_to_all=True)
    return Memo(Cache(tmp_path / "cache"), "key", folders, BELOW, share)


def test_the_folders_are_made_by_the_user_of_the_task_or_for_all(tmp_path: Path) -> None:
    first = memo(tmp_path, "first")
    first.begin()
    assert not list((tmp_path / "first").iterdir()), "the user of the step could not write there"
    folder = first.folders["run"]
    folder.mkdir(parents=True)
    (folder / "f").write_text("1")
    first.save({"metadata": {"name": "one"}}, (), ())

    second = memo(tmp_path, "second")
    assert second.restore(tmp_path / "draft") is not None
    assert (second.folders["run"] / "f").read_text() == "1"
    made = [tmp_path / "second" / "trials", second.folders["run"]]
    assert [each.stat().st_mode & 0o7777 for each in made] == [0o777, 0o777]


def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "trials").symlink_to(tmp_path / "elsewhere")
    assert narrowed({"run": tmp_path}, BELOW) is None


@pytest.mark.parametrize(
    ("first", "second", "alone"),
    [
        ("trials/x", "trials/y", (True, True)),
        ("trials/x", "trials/x", (False, False)),
        ("trials", "trials/x", (False, False)),
        ("trials/x", "trials", (False, False)),
        ("trials", "trials-2/x", (True, True)),
        ("", "", (False, False)),
        # Who names a path promises that nothing else writes there; who names none, nothing.
        ("", "trials/x", (False, True)),
    ],
)
def test_who_writes_alone(first: str, second: str, alone: tuple[bool, bool]) -> None:
    claims = ClaimUse()
    one, other = claims.enter({"v"}, first), claims.enter({"v", "w"}, second)
    third = claims.enter({"u"}, first)
    assert (claims.leave(one), claims.leave(other)) == alone
    assert claims.leave(third)


def test_who_comes_after_another_is_alone() -> None:
    claims = ClaimUse()
    assert claims.leave(claims.enter({"v"}))
    assert claims.leave(claims.enter({"v"}))
    assert claims.leave(claims.enter(()))
