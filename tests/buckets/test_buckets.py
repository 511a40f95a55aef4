"""Objects of each kind of store, by the real libraries from real servers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mltk.data.arrivals.bucket import Bucket
from mltk.data.arrivals.found import ChangedError
from mltk.errors import InfrastructureError
from tests.buckets.conftest import KEY, Store, md5
from tests.func.arrivals.conftest import Waiting

NAMES = ("a b+ü.csv", "p%20q.csv", "q?v=1.csv", "sub/c.csv", "x#1.csv")


def test_objects_are_found_with_the_version_that_the_store_gave_them(
    store: Store, tmp_path: Path
) -> None:
    names = [name for name in NAMES if "?" not in name or not store.place.startswith("s3")]
    for name in names:
        store.put(f"wine/{name}", f"x\n{name}\n")
    store.put("wine/folder/", "")
    store.put("winery/d.csv", "x\n")
    bucket = Bucket(f"{store.place}/wine")
    found = sorted(bucket.find(), key=lambda each: each.name)
    assert [each.name for each in found] == names
    for each in found:
        assert each.uri == f"{store.place}/wine/{each.name}"
        assert each.version == store.version(f"wine/{each.name}")
        assert md5(f"x\n{each.name}\n") in (each.digest, each.version)
        assert each.time is not None and each.time.tzinfo is not None
        bucket.fetch(each, tmp_path / "part")
        assert (tmp_path / "part").read_text() == f"x\n{each.name}\n"
        assert each.size == len((tmp_path / "part").read_bytes())


def test_more_than_one_page_is_listed(store: Store) -> None:
    count = store.page + 1
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.put(f"many/{number:05}.csv", "x\n"), range(count)))
    assert len(Bucket(f"{store.place}/many/").find()) == count
    pages = [each for each in store.between.asked if "prefix=many" in each]
    assert len(pages) == 2, pages


def test_an_object_that_is_written_while_it_is_fetched_is_left(
    store: Store, tmp_path: Path
) -> None:
    store.put("wine/a.csv", "x,y\n1,2\n")
    bucket = Bucket(f"{store.place}/wine")
    (first,) = bucket.find()
    store.between.meanwhile = lambda: store.put("wine/a.csv", "x,y\n3,4\n")
    with pytest.raises(ChangedError, match="written anew"):
        bucket.fetch(first, tmp_path / "part")
    (second,) = bucket.find()
    assert second.version != first.version
    bucket.fetch(second, tmp_path / "part")
    assert (tmp_path / "part").read_text() == "x,y\n3,4\n"
    store.put("wine/a.csv", "x,y\n1,2\n")
    (third,) = bucket.find()
    store.between.meanwhile = lambda: store.delete("wine/a.csv")
    with pytest.raises(ChangedError, match="is gone"):
        bucket.fetch(third, tmp_path / "part")
    assert bucket.find() == []


def test_what_is_not_there_or_not_allowed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = store.place.partition(":")[0]
    with pytest.raises(InfrastructureError, match=f"{scheme}://nowhere/: cannot be read"):
        Bucket(f"{scheme}://nowhere/").find()
    if scheme == "gs":
        return  # its server lets everybody in
    wrong = KEY.replace(KEY[:2], "AA")
    for name, value in store.environment.items():
        for secret in (KEY, "secret-of-tests"):
            value = value.replace(secret, wrong)
        monkeypatch.setenv(name, value)
    with pytest.raises(InfrastructureError, match="credentials") as caught:
        Bucket(f"{store.place}/").find()
    assert wrong not in str(caught.value)


def test_an_event_of_a_store_brings_its_objects_once(store: Store, waiting: Waiting) -> None:
    waiting.says(**{"from": f"{store.place}/points/"})
    store.put("points/a.csv", "x1,x2,y\n1,1,3\n")
    store.put("points/b.csv", "x1,x2,y\n2,2,6\n")
    told = {"uri": f"{store.place}/points/b.csv"}
    done = waiting.step(waiting.root, event=told)
    assert (done.code, done.changed) == (0, "true"), done.said
    assert "warn" not in done.said.lower()
    assert sorted(waiting.rows()[40:]) == ["1,1,3", "2,2,6"]
    lines = (waiting.root / "data.arrivals").read_text().splitlines()
    ledger = [json.loads(line) for line in lines]
    assert {each["version"] for each in ledger} == {
        store.version("points/a.csv"),
        store.version("points/b.csv"),
    }
    # The same bytes once more, as who repeats an export puts them there.
    store.put("points/b.csv", "x1,x2,y\n2,2,6\n")
    again = waiting.step(waiting.root, event=told)
    assert (again.code, again.changed, again.revision) == (0, "false", done.revision), again.said
