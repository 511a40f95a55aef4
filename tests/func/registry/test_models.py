"""Registered models on a real MLflow with SQLite."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from mltk.errors import NotFound, UsageError
from mltk.registry import ModelVersion, Registry

from .conftest import LINEAGE


def _register(registry: Registry, name: str, bundle: Path, digest: str) -> ModelVersion:
    run = registry.tracking.parent("uid-1", "shop-run")
    return registry.register(name, bundle, digest, LINEAGE, run)[0]


def test_reading_what_was_never_written_starts_nothing(tmp_path: Path) -> None:
    fresh = Registry(f"sqlite:///{tmp_path}/.mltk/mlflow.db", "e")
    assert fresh.list_models() == []
    assert fresh.champion("wine") is None
    with pytest.raises(NotFound, match="no model 'wine' in the registry"):
        fresh.history("wine")
    assert list(tmp_path.iterdir()) == []


def test_a_digest_is_registered_once_with_its_lineage(registry: Registry, bundle: Path) -> None:
    run = registry.tracking.parent("uid-1", "shop-run")
    version, created = registry.register("once", bundle, "sha256:1", LINEAGE, run)
    assert created
    assert (version.version, version.alias, version.digest) == ("1", "", "sha256:1")
    assert (version.lineage, version.run_id) == (LINEAGE, run)

    other = dataclasses.replace(LINEAGE, run_uid="uid-2")
    assert registry.register("once", bundle, "sha256:1", other, run) == (version, False)
    assert [row.version for row in registry.list_models(every_version=True)] == ["1"]

    raw = registry.connection.client.get_model_version("once", "1")
    assert raw.source.startswith("models:/m-")
    assert raw.tags["mlflow.source.git.commit"] == LINEAGE.git_sha
    model = registry.connection.client.get_logged_model(raw.source.removeprefix("models:/"))
    assert {metric.key: metric.value for metric in model.metrics} == LINEAGE.metrics


def test_promotions_are_remembered_and_taken_back(registry: Registry, bundle: Path) -> None:
    for number in ("1", "2", "3"):
        assert _register(registry, "ups", bundle, f"sha256:{number}").version == number
    assert registry.challenge("ups", "1").alias == "challenger"
    assert registry.promote("ups", "challenger", who="run a", reason="first").alias == "champion"
    registry.challenge("ups", "2")
    registry.promote("ups", "2", who="me", reason="better", evidence={"run": "r"})
    registry.promote("ups", "2", who="me", reason="again")

    listed = [row for row in registry.list_models() if row.name == "ups"]
    assert [(row.version, row.alias) for row in listed] == [("2", "champion")]
    first, second = registry.history("ups")
    assert (first.version, first.previous, first.who) == ("1", None, "run a")
    assert (second.version, second.previous, second.evidence) == ("2", "1", {"run": "r"})
    assert second.when == "2026-01-02T03:04:05Z"

    assert registry.rollback("ups", who="me", reason="complaints").version == "1"
    champion = registry.champion("ups")
    assert champion is not None and champion.version == "1"
    assert [entry.action for entry in registry.history("ups")] == ["promote", "promote", "rollback"]
    with pytest.raises(UsageError, match="no champion before version 1"):
        registry.rollback("ups", who="me")


def test_a_promotion_ends_the_contest_of_older_versions(registry: Registry, bundle: Path) -> None:
    for number in ("1", "2", "3"):
        _register(registry, "past", bundle, f"sha256:{number}")

    def aliases() -> dict[str, str]:
        return {r.version: r.alias for r in registry.list_models() if r.name == "past"}

    registry.promote("past", "1", who="me", reason="")
    registry.challenge("past", "3")
    registry.promote("past", "2", who="me", reason="")
    assert aliases() == {"3": "challenger", "2": "champion"}
    registry.rollback("past", who="me")
    assert aliases() == {"3": "challenger", "1": "champion"}
    registry.challenge("past", "2")
    registry.promote("past", "3", who="me", reason="")
    assert aliases() == {"3": "champion"}
    registry.challenge("past", "2")
    registry.rollback("past", who="me")
    assert aliases() == {"2": "challenger", "1": "champion"}


def test_the_champion_does_not_become_challenger(registry: Registry, bundle: Path) -> None:
    _register(registry, "keeps", bundle, "sha256:1")
    registry.promote("keeps", "1", who="me", reason="")
    assert registry.challenge("keeps", "1").alias == "champion"


def test_a_model_without_alias_shows_its_newest_version(registry: Registry, bundle: Path) -> None:
    for digest in ("sha256:1", "sha256:2"):
        _register(registry, "nameless", bundle, digest)
    assert [row.version for row in registry.list_models() if row.name == "nameless"] == ["2"]


def test_a_download_comes_from_the_store(registry: Registry, bundle: Path, tmp_path: Path) -> None:
    content = {path.name: path.read_bytes() for path in bundle.iterdir()}
    _register(registry, "kept", bundle, "sha256:1")
    for path in bundle.iterdir():
        path.unlink()
    folder = registry.download("kept", "1", tmp_path / "out" / "copy")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content
    assert [path.name for path in folder.parent.iterdir()] == ["copy"]


@pytest.mark.parametrize("name", ["unknown", "it's", "' or name != '"])
def test_an_unknown_model_is_named(registry: Registry, name: str) -> None:
    with pytest.raises(NotFound, match="there is no model '") as caught:
        registry.version(name)
    assert caught.value.hint == "mltk models list"


def test_what_a_model_does_not_have_is_named(registry: Registry, bundle: Path) -> None:
    for digest in ("sha256:1", "sha256:2"):
        _register(registry, "lacking", bundle, digest)
    registry.promote("lacking", "1", who="me", reason="")
    with pytest.raises(NotFound, match="in the registry; did you mean 'lacking'"):
        registry.version("laking")
    with pytest.raises(NotFound, match="model 'lacking' has no version 7") as caught:
        registry.version("lacking", "7")
    assert caught.value.hint == "versions of 'lacking': 2, 1 (champion)"
    with pytest.raises(NotFound, match="model 'lacking' has no challenger"):
        registry.version("lacking", "challenger")


def test_versions_of_other_tools_are_left_alone(registry: Registry, bundle: Path) -> None:
    client = registry.connection.client
    client.create_registered_model("foreign")
    client.create_model_version("foreign", str(bundle))
    assert "foreign" not in {row.name for row in registry.list_models(every_version=True)}


def test_importing_the_registry_does_not_import_mlflow() -> None:
    import subprocess

    code = "import sys, mltk.registry; sys.exit(bool({'mlflow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
