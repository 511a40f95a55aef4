"""The store as Kubernetes' API behaves, alone and shared by processes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mltk.errors import AdmissionError, Conflict, InfrastructureError, NotFound
from mltk.local.database import Database
from mltk.local.store import Store
from mltk.local.watch import watch
from mltk.tekton.objects import Obj

BIG_FILE = 10 * 1024 * 1024


def config(name: str = "", **metadata: Any) -> Obj:
    named = {"name": name} if name else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**named, **metadata}, "data": {}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state.db", admission=lambda obj: ())
    yield store
    store.close()


def test_new_object_gets_what_kubernetes_gives_it(store: Store) -> None:
    made = store.create(config("a"))
    metadata = made["metadata"]
    assert metadata["namespace"] == "default"
    assert len(metadata["uid"]) == 36
    assert metadata["creationTimestamp"].endswith("Z")
    assert (metadata["resourceVersion"], metadata["generation"]) == ("1", 1)
    assert store.get("cm", "a") == made


def test_generated_names_are_new_and_short_enough(store: Store) -> None:
    names = {store.create(config(generateName="x" * 70))["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert {len(name) for name in names} == {63}


def test_name_can_be_had_once(store: Store) -> None:
    store.create(config("a"))
    store.create(config("a", namespace="other"))
    with pytest.raises(Conflict, match="ConfigMap 'a' exists already"):
        store.create(config("a"))


def test_missing_object_names_the_command_that_lists(store: Store) -> None:
    with pytest.raises(NotFound, match="mltk get pipelineruns"):
        store.get("pr", "gone")


def test_stale_object_is_refused(store: Store) -> None:
    first = store.create(config("a"))
    second = store.update({**first, "data": {"k": "1"}})
    with pytest.raises(Conflict, match="changed meanwhile"):
        store.update({**first, "data": {"k": "2"}})
    assert store.update(second) == second  # nothing new: no new version, as in Kubernetes


def test_merge_patch_of_rfc_7386(store: Store) -> None:
    store.create({**config("a"), "data": {"keep": "1", "drop": "2", "list": [1, 2]}})
    patched = store.patch("cm", "a", "default", {"data": {"drop": None, "list": [3], "new": {}}})
    assert patched["data"] == {"keep": "1", "list": [3], "new": {}}
    assert patched["metadata"]["resourceVersion"] == "2"


def test_nobody_changes_identity(store: Store) -> None:
    made = store.create(config("a"))
    patch = {"metadata": {"uid": "x", "name": "b", "labels": {"l": "1"}}}
    metadata = store.patch("cm", "a", "default", patch)["metadata"]
    assert metadata["uid"] == made["metadata"]["uid"]
    assert metadata["name"] == "a"
    assert metadata["labels"] == {"l": "1"}


def test_spec_and_status_do_not_overwrite_each_other(store: Store) -> None:
    run = store.insert({"kind": "TaskRun", "metadata": {"name": "t"}, "spec": {"a": 1}})
    store.patch("tr", "t", "default", {"spec": {"status": "TaskRunCancelled"}})
    written = store.set_status(run, {"steps": []}, {"labels": {"l": "1"}})
    assert written["spec"] == {"a": 1, "status": "TaskRunCancelled"}
    assert written["metadata"]["generation"] == 2
    assert written["metadata"]["labels"] == {"l": "1"}


def test_lists_are_in_order_of_creation_and_selected_by_label(store: Store) -> None:
    for name, label in (("z", "1"), ("a", "2"), ("m", "1")):
        store.create(config(name, labels={"l": label}))
    store.create(config("n", namespace="other", labels={"l": "1"}))
    store.patch("cm", "z", "default", {"data": {"changed": "1"}})
    names = [obj["metadata"]["name"] for obj in store.list("configmaps", "default", "l in (1)")]
    assert names == ["z", "m"]
    assert len(store.list("cm", labels={"l": "1"})) == 3
    assert store.list("tr") == []


def test_what_an_object_owns_goes_with_it(store: Store) -> None:
    top = store.create(config("top"))
    owned = [{"uid": top["metadata"]["uid"]}]
    child = store.create(config("child", ownerReferences=owned))
    store.create(config("grandchild", ownerReferences=[{"uid": child["metadata"]["uid"]}]))
    gone = store.delete("cm", "top")
    assert [obj["metadata"]["name"] for obj in gone] == ["top", "child", "grandchild"]
    assert store.list("cm") == []


def test_child_that_changes_while_others_are_read_is_seen_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when two TaskRuns end at once: an engine that misses one begins it a second time."""
    owner = store.create(config("owner"))["metadata"]["uid"]
    known: dict[str, Obj] = {}
    for name in ("a", "b"):
        metadata = {"name": name, "namespace": "default", "ownerReferences": [{"uid": owner}]}
        run = {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": metadata}
        known[name] = store.insert(run)
    seen = store.revision
    store.set_status(known["a"], {"podName": "a"})

    find = store.find

    def find_later(*place: Any) -> Obj | None:
        monkeypatch.undo()
        store.set_status(known["b"], {"podName": "b"})
        store.set_status(store.get("TaskRun", "a"), {"podName": "a again"})
        return find(*place)

    monkeypatch.setattr(store, "find", find_later)
    first, seen = store.children(owner, seen, known)
    assert [each["status"]["podName"] for each in first] == ["a again"]
    again, _ = store.children(owner, seen, known)
    assert [each["status"]["podName"] for each in again] == ["a again", "b"]


def test_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction():
        store.create(config("a"))
        raise KeyError
    assert store.list("cm") == []
    assert store.create(config("b"))["metadata"]["resourceVersion"] == "1"


def test_tekton_objects_are_admitted(tmp_path: Path) -> None:
    def refuse(obj: Obj) -> list[str]:
        raise AdmissionError("unknown field 'stepz'")

    store = Store(tmp_path / "state.db", admission=refuse)
    with pytest.raises(AdmissionError, match="stepz"):
        store.create(config("a"))
    made = store.insert({**config("b"), "spec": {"a": 1}})
    with pytest.raises(AdmissionError, match="stepz"):
        store.update({**made, "spec": {"stepz": 1}})
    store.set_status(made, {"a": 1})
    store.close()


def test_watch_sees_what_is_there_and_what_comes_and_goes(store: Store) -> None:
    store.create(config("a", labels={"l": "1"}))
    events = watch(store, "cm", "default", "l")
    assert next(events).type == "ADDED"

    def changes() -> None:
        store.create(config("no-label"))
        store.create(config("b", labels={"l": "1"}))
        store.patch("cm", "a", "default", {"data": {"k": "v"}})
        store.delete("cm", "b")

    writer = threading.Thread(target=changes)
    writer.start()
    seen = []
    for event in events:
        seen.append((event.type, event.obj["metadata"]["name"]))
        if event.type == "DELETED":
            break
    writer.join()
    # A watch may miss that "b" was there at all when it comes and goes between two looks.
    assert [event for event in seen if event != ("ADDED", "b")] == [
        ("MODIFIED", "a"),
        ("DELETED", "b"),
    ]


def test_watch_sees_what_another_process_does(store: Store) -> None:
    events = watch(store, "cm")
    code = (
        "import sys; from pathlib import Path; from mltk.local.store import Store\n"
        "store = Store(Path(sys.argv[1]), admission=lambda obj: ())\n"
        "store.create({'kind': 'ConfigMap', 'metadata': {'name': 'other'}})"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(store.database.path)]) as other:
        assert next(events).obj["metadata"]["name"] == "other"
    assert other.returncode == 0


def test_threads_and_processes_lose_no_write(store: Store) -> None:
    store.create({**config("n"), "data": {"n": 0}})
    path = str(store.database.path)
    code = (
        "import sys; from pathlib import Path; from mltk.local.store import Store\n"
        "store = Store(Path(sys.argv[1]), admission=lambda obj: ())\n"
        "for _ in range(50):\n"
        "    with store.transaction():\n"
        "        n = store.get('cm', 'n')['data']['n']\n"
        "        store.patch('cm', 'n', 'default', {'data': {'n': n + 1}})"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(2)]

    def count() -> None:
        for _ in range(50):
            with store.transaction():
                n = store.get("cm", "n")["data"]["n"]
                store.patch("cm", "n", "default", {"data": {"n": n + 1}})

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(count) for _ in range(2)]:
            done.result()
    assert [other.wait() for other in others] == [0, 0]
    assert store.get("cm", "n")["data"]["n"] == 200


def test_locked_store_says_who_to_wait_for(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Store(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    mine = Database(path, busy_seconds=0.05)
    with (
        pytest.raises(InfrastructureError, match=r"locked.*\n.*Another process"),
        mine.transaction(),
    ):
        pass
    other.execute("ROLLBACK")
    with mine.transaction():
        pass
    other.close()
    mine.close()


def test_store_with_damaged_pages_says_what_to_do_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = Store(path, admission=lambda obj: ())
    for number in range(50):
        store.create(config(f"c{number}", annotations={"k": "x" * 2000}))
    store.close()
    whole = path.read_bytes()
    damaged = whole[:8192] + b"\xa5" * (len(whole) - 12288) + whole[-4096:]
    path.write_bytes(damaged)
    with pytest.raises(InfrastructureError, match=r"malformed\n.*Move the file away") as failure:
        Store(path, admission=lambda obj: ()).list("cm")
    assert failure.value.where == str(path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("damage", ["text", "folder", "newer"])
def test_unreadable_store_gives_a_hint(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.db"
    if damage == "text":
        path.write_text("this is no database, but long enough to look like a file" * 100)
    elif damage == "folder":
        path.mkdir()
    else:
        other = sqlite3.connect(path)
        other.execute("PRAGMA user_version=99")
        other.close()
    with pytest.raises(InfrastructureError) as failure:
        Store(path)
    assert failure.value.hint
    assert failure.value.where == str(path)


def test_store_of_the_first_format_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    run = {
        "kind": "PipelineRun",
        "metadata": {
            "name": "r",
            "namespace": "default",
            "uid": "u",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "generation": 1,
            "resourceVersion": "7",
        },
        "status": {"conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Running"}]},
    }
    old = sqlite3.connect(path)
    old.executescript(
        "CREATE TABLE objects (kind, namespace, name, uid, owner, created, version, labels, body,"
        " PRIMARY KEY (kind, namespace, name));"
        "CREATE INDEX objects_by_version ON objects (version);"
        "CREATE TABLE counter (value INTEGER NOT NULL); INSERT INTO counter VALUES (7);"
        "PRAGMA user_version=1;"
    )
    row = ("PipelineRun", "default", "r", "u", None, 3, 7, "{}", json.dumps(run))
    old.execute("INSERT INTO objects VALUES (?,?,?,?,?,?,?,?,?)", row)
    old.commit()
    old.close()
    for _ in range(2):
        store = Store(path, admission=lambda obj: ())
        assert store.get("pr", "r") == run
        assert [found.uid for found in store.under_way()] == ["u"]
        assert store.revision == 7
        store.close()
    store = Store(path, admission=lambda obj: ())
    store.set_status(run, {"conditions": [{"type": "Succeeded", "status": "True"}]})
    assert not store.under_way()
    store.close()


def test_full_disk_loses_nothing_and_says_so(tmp_path: Path) -> None:
    """The limit of a file's size stands for the disk: SQLite gets the same kind of error."""
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from mltk.errors import InfrastructureError; from mltk.local.store import Store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = Store(Path(sys.argv[1]), admission=lambda obj: ())\n"
        "store.create({'kind': 'ConfigMap', 'metadata': {'name': 'small'}})\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({BIG_FILE // 10}, {BIG_FILE // 10}))\n"
        "try:\n"
        "    store.create({'kind': 'ConfigMap', 'metadata': {'name': 'big'},\n"
        f"                  'data': {{'k': 'x' * {BIG_FILE}}}}})\n"
        "except InfrastructureError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    path = tmp_path / "state.db"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "disk" in done.stdout
    store = Store(path)
    assert [obj["metadata"]["name"] for obj in store.list("cm")] == ["small"]
    store.close()


def test_a_thousand_runs_cost_little_memory(store: Store) -> None:
    run = {"kind": "PipelineRun", "metadata": {"generateName": "r-"}, "spec": {"k": "x" * 10_000}}
    with store.transaction():
        for _ in range(1000):
            store.insert(json.loads(json.dumps(run)))
    tracemalloc.start()
    try:
        assert store.list("pr", labels="none=1") == []
        store.get("pr", store.list("pr")[0]["metadata"]["name"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50 * 1024**2


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"name": "../up"}, "'../up' is not a name"),
        ({"name": "a/b"}, "is not a name"),
        ({"generateName": "-"}, "is not a name"),
        ({"name": "a", "namespace": ".."}, "'..' is not a namespace"),
    ],
)
def test_name_that_would_lead_elsewhere_is_refused(store: Store, metadata: Obj, says: str) -> None:
    with pytest.raises(AdmissionError, match=says):
        store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def test_object_without_a_name_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db", admission=lambda obj: ())
    with pytest.raises(AdmissionError, match="is not a name"):
        store.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    store.close()
