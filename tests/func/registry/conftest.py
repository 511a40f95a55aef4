from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from mltk.registry import Lineage, Registry

LINEAGE = Lineage(
    key="k" * 64,
    key_parts={"data": "md5:1", "seed": "7"},
    data_version="md5:" + "a" * 32,
    git_sha="f" * 40,
    verdict="pass",
    run_uid="uid-1",
    metrics={"rmse": 55.5, "r2": 0.4},
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """An MLflow on SQLite, as `mltk run` makes it beside a project."""
    state = tmp_path_factory.mktemp("project") / ".mltk"
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    return Registry(f"sqlite:///{state}/mlflow.db", "shop", clock=lambda: moment)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder in the place of a bundle: the registry keeps whatever it is given."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "bundle.json").write_text("{}")
    (folder / "group1-shard1of1.bin").write_bytes(bytes(range(256)))
    return folder
