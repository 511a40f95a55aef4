"""Several processes at once, locks, and servers that are not there."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mltk.errors import InfrastructureError
from mltk.registry import ModelVersion, Registry, database

from .conftest import LINEAGE

_REGISTER = """
import json, sys
from pathlib import Path
from mltk.registry import Lineage, Registry
uri, bundle, uid, digest = sys.argv[1:]
registry = Registry(uri, "shop")
lineage = Lineage("k", {}, "md5:1", "f", "pass", uid, {"rmse": 1.0})
run = registry.tracking.parent(uid, uid)
version, created = registry.register("wine", Path(bundle), digest, lineage, run)
if version.version == "1":
    registry.promote("wine", "1", who=uid, reason="first")
print(json.dumps([version.version, created]))
"""


def test_three_pipelines_start_at_once_on_a_fresh_database(tmp_path: Path, bundle: Path) -> None:
    uri = f"sqlite:///{tmp_path}/.mltk/mlflow.db"
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _REGISTER, uri, str(bundle), uid, "sha256:1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for uid in ("a", "b", "c")
    ]
    ended = [process.communicate(timeout=120) for process in started]
    assert [stderr for _, stderr in ended] == ["", "", ""]
    said = [json.loads(stdout) for stdout, _ in ended]
    assert sorted(said) == [["1", False], ["1", False], ["1", True]]

    registry = Registry(uri, "shop")
    assert [row.version for row in registry.list_models(every_version=True)] == ["1"]
    assert len(registry.history("wine")) == 1
    runs = registry.connection.client.search_runs([registry.connection.experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["a", "b", "c"]


def test_a_process_killed_while_it_makes_the_database_leaves_nothing_half_done(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mlflow.db"
    uri = f"sqlite:///{path}"
    code = f"from mltk.registry import Registry; Registry({uri!r}, 'e').tracking.parent('u', 'r')"
    making = subprocess.Popen([sys.executable, "-c", code])
    draft = tmp_path / "mlflow.db.part" / "mlflow.db"
    while not (draft.exists() and draft.stat().st_size):
        assert making.poll() is None
    making.kill()
    making.wait()
    assert not path.exists()

    Registry(uri, "e").tracking.parent("u", "r")

    assert path.exists()
    assert not draft.parent.exists()


def test_a_locked_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE something (id)")
    with contextlib.closing(sqlite3.connect(path)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InfrastructureError, match="locked by another process") as caught:
            database.probe(path, seconds=0.1)
        with pytest.raises(InfrastructureError, match="locked"):
            database.probe(path, write=True, seconds=0.1)
    assert caught.value.where == str(path)
    assert caught.value.hint and "fuser" in caught.value.hint
    database.probe(path, write=True)
    with (
        database.lock(path),
        pytest.raises(InfrastructureError, match="locked"),
        database.lock(path, seconds=0.1),
    ):
        pass


def test_a_writer_elsewhere_stops_writing_but_not_reading(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/.mltk/mlflow.db"
    Registry(uri, "e").tracking.parent("uid-1", "before")
    with contextlib.closing(sqlite3.connect(tmp_path / ".mltk" / "mlflow.db")) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert Registry(uri, "e").champion("wine") is None
        with pytest.raises(InfrastructureError, match="locked by another process"):
            Registry(uri, "e").tracking.parent("uid-2", "after")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database" * 100)
    with pytest.raises(InfrastructureError, match="file is not a database"):
        Registry(f"sqlite:///{tmp_path}/mlflow.db", "e").list_models()


def test_a_server_that_does_not_answer_is_found_out_in_seconds() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(InfrastructureError, match=f"does not answer at {uri}") as caught:
            Registry(uri, "e").list_models()
    assert time.monotonic() - began < 10
    assert caught.value.hint and "mlflow server" in caught.value.hint


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server on loopback."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **quiet}, stdout=log, stderr=log
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        _await(f"{uri}/health", process)
        yield uri
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
    raise AssertionError("the MLflow server did not start")


@pytest.mark.slow
def test_a_server_keeps_models_as_a_file_does(server: str, bundle: Path, tmp_path: Path) -> None:
    registry = Registry(server, "shop")
    run = registry.tracking.parent("uid-1", "run-1")
    assert registry.tracking.parent("uid-1", "run-1") == run
    for number in ("1", "2"):
        made, created = registry.register("wine", bundle, f"sha256:{number}", LINEAGE, run)
        assert (made.version, made.lineage, created) == (number, LINEAGE, True)
        assert not registry.register("wine", bundle, f"sha256:{number}", LINEAGE, run)[1]
        assert registry.promote("wine", number, who="me", reason="").alias == "champion"
    assert registry.rollback("wine", who="me").version == "1"
    folder = registry.download("wine", "champion", tmp_path / "copy")
    assert {path.name for path in folder.iterdir()} == {path.name for path in bundle.iterdir()}


@pytest.mark.slow
def test_two_that_register_at_a_server_at_once_make_one_version(server: str, bundle: Path) -> None:
    registry = Registry(server, "race")
    run = registry.tracking.parent("uid-1", "run-1")

    class Late(Registry):
        """Finds nothing at first, as if the other one came between looking and creating."""

        looks = 0

        def find_digest(self, name: str, digest: str) -> ModelVersion | None:
            self.looks += 1
            return None if self.looks <= 2 else super().find_digest(name, digest)

    first, _ = registry.register("raced", bundle, "sha256:1", LINEAGE, run)
    second, created = Late(server, "race").register("raced", bundle, "sha256:1", LINEAGE, run)
    assert (second, created) == (first, False)
    assert len([r for r in registry.list_models(every_version=True) if r.name == "raced"]) == 1
