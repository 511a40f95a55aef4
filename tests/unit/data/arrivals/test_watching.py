"""When files of a folder are taken: whole, all, and once, whatever the order of events."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.arrivals.folder import Folder, Seen
from mltk.data.arrivals.gathering import Gathering
from mltk.data.arrivals.wanted import of_folder
from mltk.data.arrivals.watching import Burst
from mltk.errors import NotFound, UsageError
from mltk.project.load import parse

RULE = Gathering(5, 60)


def seen(name: str, size: int = 1) -> Seen:
    return Seen(name, size, 0.0)


def test_a_burst_is_taken_in_one_go() -> None:
    burst = Burst(RULE)
    assert not burst.look([seen("a")], 0)
    assert not burst.look([seen("a"), seen("b")], 4)
    assert not burst.look([seen("a"), seen("b", 2)], 8)
    assert not burst.look([seen("a"), seen("b", 2)], 12)
    files = [seen("a"), seen("b", 2)]
    assert burst.look(files, 13) == files
    burst.took(files)
    assert not burst.look(files, 100)
    assert not burst.look([seen("a", 9)], 101)
    assert burst.look([seen("a", 9)], 106) == [seen("a", 9)]


def test_a_burst_that_does_not_end_gives_what_is_whole() -> None:
    burst = Burst(RULE)
    for second in range(60):
        assert not burst.look([seen("a"), seen("growing", second)], second)
    assert burst.look([seen("a"), seen("growing", 60)], 60) == [seen("a")]


def test_what_could_not_be_taken_is_waited_for_anew() -> None:
    burst = Burst(RULE)
    burst.look([seen("a")], 0)
    assert burst.look([seen("a")], 5)
    burst.put_off(5)
    assert not burst.look([seen("a")], 9)
    assert burst.look([seen("a")], 10)


@given(st.lists(st.tuples(st.floats(0.1, 20), st.sampled_from("abc")), max_size=30))
def test_every_file_is_taken_whole_and_once(writes: list[tuple[float, str]]) -> None:
    burst, sizes, written = Burst(RULE), dict[str, int](), dict[str, float]()
    now, taken = 0.0, list[Seen]()
    for pause, name in [*writes, *[(1.0, "")] * 70]:
        now += pause
        if name:
            sizes[name] = sizes.get(name, 0) + 1
            written[name] = now
        files = burst.look([seen(*each) for each in sizes.items()], now)
        assert all(now - written[each.name] >= RULE.quiet for each in files)
        burst.took(files)
        taken += files
    assert {each for each in taken if sizes[each.name] == each.size} == {
        seen(*each) for each in sizes.items()
    }
    assert len(set(taken)) == len(taken)


def test_what_a_folder_shows(tmp_path: Path) -> None:
    said: list[str] = []
    folder = Folder(tmp_path / "in", 10, lambda: 1000.0, said.append)
    with pytest.raises(NotFound, match="no such folder"):
        folder.look()
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name, moment in (("old.csv", 900), ("sub/old.csv", 990), ("new.csv", 995)):
        (tmp_path / "in" / name).write_text(name)
        os.utime(tmp_path / "in" / name, (moment, moment))
    for name in (".hidden", "a.part", "a.tmp", "a.csv~", ".sub/a.csv"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text("no")
    (tmp_path / "in" / "loop").symlink_to("loop")
    (tmp_path / "in" / "dead").symlink_to("nowhere")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe")
    assert [each.name for each in folder.look()] == ["new.csv", "old.csv", "sub/old.csv"]
    assert [each.name for each in folder.find()] == ["old.csv", "sub/old.csv"]
    assert [line for line in said if "dead: is a link to nothing" in line]
    assert [line for line in said if "loop: cannot be read: Too many levels" in line]


PROJECT = """
project: p
models:
  a:
    problem: regression
    data: {path: a.csv}
    arrival: {from: IN, pattern: "a*"}
    target: {name: y}
    features: [{name: x}]
  b:
    problem: regression
    data: {path: b.csv}
    target: {name: y}
    features: [{name: x}]
"""


def test_whose_data_a_folder_holds(tmp_path: Path) -> None:
    project = parse(PROJECT.replace("IN", str(tmp_path)))
    (table,) = of_folder(project, tmp_path, [], {"how": "replace"})
    assert (table.models, table.setting.pattern, table.setting.how) == (("a",), "a*", "replace")
    (other,) = of_folder(project, tmp_path, ["b"], {})
    assert (other.models, other.setting.pattern) == (("b",), "*.csv")
    with pytest.raises(UsageError, match="not clear whose data"):
        of_folder(project, tmp_path / "else", [], {})
    with pytest.raises(UsageError, match="no model 'c'"):
        of_folder(project, tmp_path, ["c"], {})
