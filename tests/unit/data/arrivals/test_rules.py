"""When a burst is over, what is chosen, what is remembered, and how tables are joined."""

from __future__ import annotations

import csv
import dataclasses
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.arrivals import ledger, tables
from mltk.data.arrivals.found import Found
from mltk.data.arrivals.gathering import Gathering
from mltk.data.arrivals.ledger import Entry, Ledger
from mltk.data.arrivals.tables import Shape
from mltk.data.arrivals.wanted import Table, choose
from mltk.data.arrivals.wanted import tables as tables_of
from mltk.errors import ConfigError, DataError, UsageError
from mltk.project.arriving import Arrival
from mltk.project.load import parse

SHAPE = Shape(",", ("x", "y"))
DAY = datetime(2026, 11, 1, tzinfo=UTC)


def found(name: str, hours: float = 0, version: str = "1", base: str = "s3://b/in/") -> Found:
    return Found(f"{base}{name}", name, version, 1, DAY + timedelta(hours=hours))


def table(**setting: str) -> Table:
    given = {"from": "s3://b/in", **setting}
    return Table("t.csv", ("m",), Arrival.model_validate(given), SHAPE)


@given(
    st.lists(st.floats(0, 1000), min_size=1),
    st.floats(0, 100),
    st.floats(0, 1000),
)
def test_a_burst_ends_after_quiet_and_never_later_than_the_longest_wait(
    times: list[float], quiet: float, more: float
) -> None:
    rule = Gathering(quiet, quiet + more)
    first, last = min(times), max(times)
    due = rule.due(first, last)
    assert due <= first + rule.longest
    assert due == last + quiet or due < last + quiet
    assert rule.is_over(first, last, due)
    assert due <= first or not rule.is_over(first, last, due - max(1e-6, due * 1e-9))


def test_a_longest_wait_that_no_quiet_fits_in() -> None:
    with pytest.raises(ConfigError, match="longest wait"):
        Gathering(10, 5)


@given(st.permutations([found(name, hours) for hours, name in enumerate("abc")]))
def test_appended_are_the_new_ones_the_oldest_first(order: list[Found]) -> None:
    known = Ledger((Entry("t.csv", "s3://b/in/b", "1"), Entry("u.csv", "s3://b/in/a", "1")))
    chosen = choose(table(pattern="*"), order, known)
    assert [each.name for each in chosen] == ["a", "c"]


@given(st.permutations([found(name, hours) for hours, name in enumerate("abcd")]))
def test_replaced_is_by_the_newest_which_no_older_one_follows(order: list[Found]) -> None:
    given_ = table(pattern="*", how="replace")
    assert [each.name for each in choose(given_, order, Ledger())] == ["d", "c", "b", "a"]
    taken = Ledger((Entry("t.csv", "s3://b/in/c", "1"),))
    assert [each.name for each in choose(given_, order, taken)] == ["d"]
    refused = Ledger((Entry("t.csv", "s3://b/in/d", "1", refused="it is empty"),))
    assert [each.name for each in choose(given_, order, refused)] == ["c", "b", "a"]


def test_names_and_times_that_count() -> None:
    here = [found("a.csv"), found("sub/b.csv", 1), found("c.txt", 2), found("old.csv", -1)]
    chosen = choose(table(since="2026-11-01"), here, Ledger())
    assert [each.name for each in chosen] == ["a.csv", "sub/b.csv"]
    assert [each.name for each in choose(table(pattern="sub/*"), here, Ledger())] == ["sub/b.csv"]


def test_another_version_of_an_object_is_another_one_and_a_moved_file_is_not() -> None:
    known = Ledger((Entry("t.csv", "s3://b/in/a", "1"), Entry("t.csv", "file:///in/a", "md5")))
    assert known.find("t.csv", found("a", version="2")) is None
    assert known.find("t.csv", found("a")) is not None
    assert known.find("t.csv", found("else/b", version="md5", base="file:///")) is not None


@given(
    st.lists(
        st.builds(Entry, st.text(), st.text(), st.text(), st.integers(0, 9), st.text()), max_size=5
    )
)
def test_the_ledger_is_read_as_it_was_written(entries: list[Entry]) -> None:
    written = Ledger(tuple(entries))
    assert ledger.read(written.render(), "t.arrivals") == written


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"path": 1, "uri": "u", "version": "v"}', b"\xff"])
def test_a_ledger_that_is_none(line: bytes) -> None:
    good = Ledger((Entry("t.csv", "u", "v"),)).render()
    with pytest.raises(ConfigError, match=r"t.arrivals:2.*\n.*git log"):
        ledger.read(good + line + b"\n", "t.arrivals")


def test_the_same_bytes_written_again_are_not_added_again() -> None:
    known = Ledger((Entry("t.csv", "s3://b/in/a", "1", digest="d"),))
    again = dataclasses.replace(found("a", version="2"), digest="d")
    other = dataclasses.replace(found("b", version="2"), digest="d")
    assert choose(table(pattern="*"), [again, other], known) == [other]


def test_an_object_that_is_what_it_was_before_replaces_the_table_again() -> None:
    setting = table(pattern="*", how="replace")
    entries = (Entry("t.csv", "s3://b/in/a", "1"), Entry("t.csv", "s3://b/in/a", "2"))
    assert choose(setting, [found("a", version="1")], Ledger(entries)) == [found("a", version="1")]
    assert choose(setting, [found("a", version="2")], Ledger(entries)) == []
    gone = Ledger((entries[0], Entry("t.csv", "s3://b/in/z", "1")))
    assert choose(setting, [found("a", version="1")], gone) == []
    same = Ledger((Entry("t.csv", "s3://b/in/a", "1", digest="d"),))
    anew = dataclasses.replace(found("a", version="2"), digest="d")
    assert choose(setting, [anew], same) == []


PROJECT = """
project: p
models:
  a:
    problem: regression
    data: {path: t.csv}
    arrival: {from: s3://b/in/, pattern: "*.csv"}
    target: {name: y}
    features: [{name: x}]
  b:
    problem: regression
    data: {path: t.csv}
    target: {name: x}
    features: [{name: z}]
"""


def test_models_of_one_table_share_its_data() -> None:
    (only,) = tables_of(parse(PROJECT))
    assert only.models == ("a", "b")
    assert set(only.shape.needed) == {"x", "y", "z"}
    with pytest.raises(ConfigError, match="no data arrive for the model 'b'"):
        tables_of(parse(PROJECT), ["b"])
    with pytest.raises(UsageError, match="no model 'c'"):
        tables_of(parse(PROJECT), ["c"])
    other = PROJECT + "    arrival: {from: s3://else/}\n"
    with pytest.raises(ConfigError, match="'a' and 'b' learn from t\\.csv, and say different"):
        tables_of(parse(other))


@pytest.mark.parametrize("first", ["", "branch: data"])
def test_data_of_a_project_go_to_one_branch(first: str) -> None:
    """A run that a newer event replaces would leave what another branch was to get."""
    given_ = PROJECT.replace('"*.csv"', f'"*.csv", {first}').replace(
        "path: t.csv", "path: u.csv", 1
    )
    other = given_ + "    arrival: {from: s3://else/, branch: beer}\n"
    with pytest.raises(ConfigError, match="'b' go to the branch 'beer', those of 'a'") as refused:
        parse(other)
    assert f"write `branch: {'data' if first else 'beer'}` at both" in refused.value.what
    assert refused.value.where == "mltk.yaml:15"
    same = other.replace("branch: beer", first or "pattern: '*'")
    assert len(tables_of(parse(same))) == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{from: 'ftp://h/x'}", "none of s3"),
        ("{from: 's3:///x'}", "no bucket"),
        ("{from: 'https://me:pw@h/x'}", "credentials"),
        ("{from: s3://b/, branch: '-x'}", "no name of a branch"),
        ("{from: s3://b/, since: yesterday}", "no time"),
        ("{from: s3://b/, quiet_period: 10m, longest_wait: 1m}", "shorter than quiet_period"),
        ("{form: s3://b/}", "did you mean 'from'"),
    ],
)
def test_a_setting_that_cannot_be_meant(written: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(PROJECT.replace('{from: s3://b/in/, pattern: "*.csv"}', written))


def _written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_bytes(text.encode())
    return file


def test_rows_are_added_in_the_order_of_the_table(tmp_path: Path) -> None:
    base, draft = _written(tmp_path, "base", "x,y\n1,2"), tmp_path / "draft"
    tables.begin(draft, base)
    part = _written(tmp_path, "part", '\ufeffy,x\r\n4,"3,\n3"\r\n\r\n6,5\r\n')
    assert tables.add(draft, part, ("x", "y"), SHAPE, "part") == 2
    assert draft.read_text() == 'x,y\n1,2\n"3,\n3",4\n5,6\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("x,yy\n1,2\n", "no column 'y', which a model needs; did you mean 'yy'"),
        ("x,y\n1,2\n", "no column 'z', which the table has"),
        ("x,y,z,q\n1,2,3,4\n", "its column 'q' is none of the table's"),
        ("x,y,z\n1,2\n", "its row 1 has 2 fields, the header 3"),
        ("x,y,z\n1,2,3\n4,5,6,7\n", "its row 2 has 4 fields"),
        ("x,y,x\n1,2,3\n", "'x' is there twice"),
        ('x,y,z\n1,2,"3\n', "it is no CSV"),
        ("x,y,z\n1,2,\udcff\n", "it is not UTF-8"),
    ],
)
def test_what_does_not_fit_leaves_the_table_as_it_was(tmp_path: Path, text: str, said: str) -> None:
    draft, part = tmp_path / "draft", tmp_path / "part"
    draft.write_text("x,y,z\n0,0,0\n")
    part.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=said):
        tables.add(draft, part, ("x", "y", "z"), SHAPE, "part")
    assert draft.read_text() == "x,y,z\n0,0,0\n"


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
ROWS = st.lists(st.tuples(FIELD, FIELD), max_size=4)


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_no_row_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[str, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    draft = folder / "draft"
    tables.begin(draft, None)
    columns = None
    for rows in parts:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([("y", "x"), *rows])
        part = folder / "part"
        part.write_bytes(text.getvalue().encode())
        assert tables.add(draft, part, columns, SHAPE, "part") == len(rows)
        columns = ("y", "x")
    with draft.open(encoding="utf-8", newline="") as stream:
        _, *found_rows = csv.reader(stream)
    assert found_rows == [list(row) for rows in parts for row in rows]
