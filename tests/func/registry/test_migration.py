"""The database of an MLflow server across its versions: migrated whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mltk.errors import ConfigError, InfrastructureError
from mltk.registry.migration import migrate


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the MLflow before the last change of its tables left it, with a model in it."""
    from mltk.registry import warm

    warm.settle()
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base

    path = tmp_path_factory.mktemp("older") / "mlflow.db"
    engine = utils.create_sqlalchemy_engine_with_retry(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    config = utils._get_alembic_config(f"sqlite:///{path}")
    last = ScriptDirectory.from_config(config).get_revision(warm.newest_revision())
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, str(last.down_revision))
    engine.dispose()
    _execute(path, "INSERT INTO registered_models (name) VALUES ('wine')")
    return path


@pytest.fixture
def database(older: Path, tmp_path: Path) -> Path:
    path = tmp_path / "mlflow.db"
    path.write_bytes(older.read_bytes())
    return path


def _execute(path: Path, statement: str) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


def _revision(path: Path) -> str:
    return _execute(path, "SELECT version_num FROM alembic_version")[0][0]


def test_a_new_database_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    assert migrate(f"sqlite:///{path}") == "made mlflow.db"
    before = path.read_bytes()
    assert migrate(f"sqlite:///{path}").startswith("mlflow.db is at ")
    assert path.read_bytes() == before
    # A server hands artifacts out: a folder of the machine that made the tables is of no use.
    places = _execute(path, "SELECT artifact_location FROM experiments")
    assert places == [("mlflow-artifacts:/0",)]


def test_an_older_database_is_migrated_and_kept(database: Path) -> None:
    before = _revision(database)
    said = migrate(f"sqlite:///{database}")
    assert _revision(database) != before
    assert _execute(database, "SELECT name FROM registered_models") == [("wine",)]
    assert f"the old one is mlflow.db.{before}" in said
    kept = database.with_name(f"mlflow.db.{before}")
    assert _revision(kept) == before
    assert _execute(kept, "SELECT name FROM registered_models") == [("wine",)]
    assert sorted(each.name for each in database.parent.iterdir()) == sorted(
        ["mlflow.db", "mlflow.db.lock", kept.name]
    )


def test_what_a_killed_server_left_in_its_log_is_not_lost(database: Path) -> None:
    child = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1])\n"
        "c.execute('PRAGMA journal_mode=WAL')\n"
        "c.execute(\"INSERT INTO registered_models (name) VALUES ('late')\")\n"
        "c.commit()\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", child, str(database)], check=False)
    assert database.with_name("mlflow.db-wal").stat().st_size
    migrate(f"sqlite:///{database}")
    names = _execute(database, "SELECT name FROM registered_models ORDER BY name")
    assert names == [("late",), ("wine",)]
    assert not database.with_name("mlflow.db-wal").exists()


def test_an_interrupt_leaves_the_old_database(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mltk.registry import warm

    before, upgrade = database.read_bytes(), warm.upgrade

    def interrupted(uri: str) -> tuple[str, str]:
        upgrade(uri)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(warm, "upgrade", interrupted)
        migrate(f"sqlite:///{database}")
    assert database.read_bytes() == before
    assert "migrated mlflow.db" in migrate(f"sqlite:///{database}")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database, and long enough to be read as one\n" * 40)
    with pytest.raises(InfrastructureError, match="cannot be used"):
        migrate(f"sqlite:///{tmp_path}/mlflow.db")


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(ConfigError, match="relative"):
        migrate("sqlite:///mlflow.db")


def test_a_driver_that_is_not_here_is_named() -> None:
    with pytest.raises(ConfigError, match="pg8000") as raised:
        migrate("postgresql+pg8000://ada:sesame@127.0.0.1:1/mlflow")
    assert "postgresql+psycopg2://" in (raised.value.hint or "")
    assert "sesame" not in str(raised.value)


def test_the_command_tells_what_is_wrong_and_not_the_password() -> None:
    uri = "postgresql+psycopg2://ada:sesame@127.0.0.1:1/mlflow"
    done = subprocess.run(
        [sys.executable, "-m", "mltk.registry.migration"],
        env={**os.environ, "MLFLOW_BACKEND_STORE_URI": uri},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == InfrastructureError.exit_code
    assert "cannot be migrated" in done.stderr
    assert "sesame" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
