"""`mltk models` over a real MLflow on SQLite, each command in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltk.registry import Lineage, Registry

from .cli_folder import ENVIRONMENT, Folder

PROJECT = """\
project: shop
models:
  wine:
    problem: regression
    data: {path: wine.csv}
    target: {name: y}
    features: [{name: x}]
"""


def _register(folder: Folder, registry: Registry, number: int) -> None:
    bundle = folder.path / f"bundle-{number}"
    bundle.mkdir()
    (bundle / "bundle.json").write_text(f'{{"number": {number}}}', encoding="utf-8")
    lineage = Lineage(
        key="k" * 64,
        key_parts={"data": "md5:1"},
        data_version="md5:" + "a" * 32,
        git_sha="f" * 40,
        verdict="pass",
        run_uid=f"uid-{number}",
        metrics={"rmse": 1.0 / number},
    )
    run = registry.tracking.parent(f"uid-{number}", f"run-{number}")
    registry.register("wine", bundle, f"sha256:{number:064d}", lineage, run)


@pytest.fixture
def shop(folder: Folder) -> Folder:
    (folder.path / "mltk.yaml").write_text(PROJECT, encoding="utf-8")
    registry = Registry(f"sqlite:///{folder.path}/.mltk/mlflow.db", "shop")
    for number in (1, 2):
        _register(folder, registry, number)
    registry.promote("wine", "1", who="test", reason="first")
    registry.challenge("wine", "2")
    return folder


def test_list_promote_roll_back_and_show(shop: Folder) -> None:
    listed = shop.json("models", "list")
    assert [(row["version"], row["alias"]) for row in listed] == [
        ("2", "challenger"),
        ("1", "champion"),
    ]
    assert listed[1] == {
        "name": "wine",
        "version": "1",
        "alias": "champion",
        "digest": f"sha256:{1:064d}",
        "metrics": {"rmse": 1.0},
        "dataVersion": "md5:" + "a" * 32,
        "gitSha": "f" * 40,
        "eventID": "",
        "created": listed[1]["created"],
    }

    promoted = shop.mltk("models", "promote", "wine", "--reason", "better on reds")
    assert promoted.stdout == "wine version 2 is champion\n"
    assert shop.mltk("models", "show", "wine").stdout.splitlines()[1].split() == ["version:", "2"]
    back = shop.mltk("models", "rollback", "wine")
    assert back.stdout == "wine version 1 is champion again\n"
    ledger = shop.json("models", "show", "wine@champion")["ledger"]
    assert [entry["action"] for entry in ledger] == ["promote", "promote", "rollback"]
    assert ledger[1]["reason"] == "better on reds"

    assert "no version 9" in shop.mltk("models", "promote", "wine:9", code=5).stderr
    assert "two versions" in shop.mltk("models", "promote", "wine:1", "2", code=2).stderr


def test_another_mlflow_by_option_and_by_environment(
    shop: Folder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{shop.path}/.mltk/mlflow.db"
    outside = Folder(tmp_path_factory.mktemp("outside"))
    assert "mltk init" in outside.mltk("models", "list", code=3).stderr
    listed = outside.mltk("models", "list", "-o", "name", "--tracking-uri", uri)
    assert (listed.stdout, listed.stderr) == ("wine:2\nwine:1\n", "")
    monkeypatch.setitem(ENVIRONMENT, "MLFLOW_TRACKING_URI", uri)
    listed = outside.mltk("models", "list", "-o", "name")
    assert listed.stdout == "wine:2\nwine:1\n"
    assert f"models of {uri} (MLFLOW_TRACKING_URI)" in listed.stderr

    # What the project says goes before the environment, the option before both.
    elsewhere = f"sqlite:///{outside.path}/other.db"
    text = PROJECT.replace("models:", f"tracking: {{uri: '{elsewhere}'}}\nmodels:")
    (outside.path / "mltk.yaml").write_text(text, encoding="utf-8")
    assert outside.json("models", "list") == []
    listed = outside.mltk("models", "list", "-o", "name", "--tracking-uri", uri)
    assert listed.stdout == "wine:2\nwine:1\n"


def test_nothing_registered_is_no_error(folder: Folder) -> None:
    (folder.path / "mltk.yaml").write_text(PROJECT, encoding="utf-8")
    assert "mltk run" in folder.mltk("models", "list").stderr
    assert folder.json("models", "list") == []
    assert not Path(folder.path, ".mltk").exists()
