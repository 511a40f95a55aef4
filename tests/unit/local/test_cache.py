from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk.local.cache import Cache, cache_key
from mltk.local.snapshot import Difference, difference, look, unchanged, young

STATUS = {"results": [{"name": "digest", "value": "abc"}]}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def test_files_come_back_byte_by_byte_with_links_folders_and_modes(
    cache: Cache, tmp_path: Path
) -> None:
    source = folder(tmp_path / "a", same="1", gone="2")
    before = look(source)
    (source / "gone").unlink()
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "sub" / "bytes").write_bytes(bytes(range(256)))
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    (source / "link").symlink_to("sub/bytes")
    found = difference(before, look(source), time.time_ns() + 10**9)
    assert found.removed == ("gone",)
    assert "same" not in found.changed
    assert cache.save("k", "first", STATUS, {"w": source}, {"w": found})

    target = folder(tmp_path / "b", same="1", gone="2")
    entry = cache.find("k")
    assert entry is not None
    assert entry.status == STATUS
    assert cache.restore("k", entry, {"w": target}, tmp_path / "draft")
    assert sorted(look(target)) == sorted(look(source))
    assert (target / "link").read_bytes() == bytes(range(256))
    assert os.access(target / "run.sh", os.X_OK)


@pytest.mark.parametrize(
    "damage", [lambda content: content.write_text("1X"), Path.unlink], ids=["changed", "gone"]
)
def test_damaged_entry_is_a_miss_and_touches_nothing(
    cache: Cache, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    source = folder(tmp_path / "a", one="1", two="2")
    assert cache.save("k", "t", STATUS, {"w": source}, {"w": Difference(("one", "two"), ())})
    content = tmp_path / "cache" / "k" / "content"
    assert content.read_text() == "12"
    damage(content)
    entry = cache.find("k")
    assert entry is not None
    target = folder(tmp_path / "b")
    assert not cache.restore("k", entry, {"w": target}, tmp_path / "draft")
    assert not look(target)
    assert cache.find("k") is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", json.dumps({"task_run": "t"})])
def test_unreadable_entry_is_a_miss(cache: Cache, tmp_path: Path, text: str) -> None:
    folder(tmp_path / "cache" / "k", **{"entry.json": text})
    assert cache.find("k") is None


def test_what_cannot_be_kept_fails_no_one(cache: Cache, tmp_path: Path) -> None:
    source = folder(tmp_path / "a")
    os.mkfifo(source / "pipe")
    assert not cache.save("k", "t", STATUS, {"w": source}, {"w": Difference(("pipe",), ())})
    (tmp_path / "file").write_text("")
    assert not Cache(tmp_path / "file").save("k", "t", STATUS, {}, {})
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == []


def test_least_recently_used_entries_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", max_entries=2)
    for number, key in enumerate("abc"):
        cache.save(key, "t", STATUS, {}, {})
        os.utime(tmp_path / "cache" / key / "entry.json", (number, number))
    assert cache.find("a")  # which makes it the newest
    cache.prune(now=time.time())
    assert [cache.find(key) is not None for key in "abc"] == [True, False, True]


def test_size_is_bound(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", max_bytes=10)
    source = folder(tmp_path / "a", big="x" * 8)
    for number, key in enumerate("ab"):
        cache.save(key, "t", STATUS, {"w": source}, {"w": Difference(("big",), ())})
        os.utime(tmp_path / "cache" / key / "entry.json", (number, number))
    cache.prune(now=time.time())
    assert [cache.find(key) is not None for key in "ab"] == [False, True]


def test_change_that_the_clock_cannot_show_counts_as_one(tmp_path: Path) -> None:
    now = look(folder(tmp_path, a="1"))
    assert difference(now, now, now["a"].changed).changed == ("a",)
    assert difference(now, now, now["a"].changed + 10**9).changed == ()


def test_content_shows_what_the_clock_cannot(tmp_path: Path) -> None:
    now = look(folder(tmp_path, a="1", b="2"))
    began = now["a"].changed
    known = young(tmp_path, now, began)
    held = unchanged(tmp_path, known, now, now)
    assert difference(now, now, began, held).changed == ()
    (tmp_path / "b").write_text("3")
    assert unchanged(tmp_path, known, now, now) == {"a"}  # as if b's stamp had stayed


def test_entry_does_not_fit_where_a_file_is_in_its_way(cache: Cache, tmp_path: Path) -> None:
    source = folder(tmp_path / "a" / "out", model="1").parent
    assert cache.save("k", "t", STATUS, {"w": source}, {"w": Difference(("out/model",), ())})
    entry = cache.find("k")
    assert entry is not None
    target = folder(tmp_path / "b", out="a file")
    assert not cache.restore("k", entry, {"w": target}, tmp_path / "draft")
    assert (target / "out").read_text() == "a file"


@given(st.dictionaries(st.text(), st.text() | st.integers(), max_size=4), st.randoms())
@settings(max_examples=50)
def test_key_does_not_depend_on_the_order_of_its_parts(
    parts: dict[str, object], random: Random
) -> None:
    items = list(parts.items())
    random.shuffle(items)
    assert cache_key(dict(items)) == cache_key(parts)
