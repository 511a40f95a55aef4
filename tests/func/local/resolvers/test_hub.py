"""The resolver ``hub``, on the folder of a catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mltk.local.resolvers.hub import Hub
from mltk.tekton.remote import Unresolved

from .conftest import Bench, config_map, greeter


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    for version in ("0.1", "0.2", "0.10", "1.0"):
        place = folder / "task" / "greeter" / version
        place.mkdir(parents=True)
        (place / "greeter.yaml").write_text(greeter(word=version), encoding="utf-8")
    return folder


@pytest.fixture
def hub(catalog: Path) -> Hub:
    return Hub({"ARTIFACT_HUB_API": str(catalog)}.get)


def said(bench: Bench, hub: Hub, **params: Any) -> str:
    data = bench.find(hub, **{"name": "greeter", **params}).data.decode()
    return next(version for version in ("0.10", "0.1", "0.2", "1.0") if f'"{version} ' in data)


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("0.1", "0.1"),
        ("0.1.0", "0.1"),
        ("0.10", "0.10"),
        (">= 0.1", "1.0"),
        (">=0.1, <1.0", "0.10"),
        ("~> 0.1.0", "0.1"),
        ("~> 0.1", "0.10"),
        ("!= 1.0", "0.10"),
        ("< 0.2", "0.1"),
    ],
)
def test_the_newest_version_that_fits_is_found(
    bench: Bench, hub: Hub, version: str, found: str
) -> None:
    assert said(bench, hub, version=version).replace('"', "") == found


def test_where_a_document_comes_from_is_told(bench: Bench, hub: Hub, catalog: Path) -> None:
    found = bench.find(hub, name="greeter", version="0.2")
    assert found.source["uri"] == (catalog / "task/greeter/0.2/greeter.yaml").as_uri()


def test_catalogs_come_from_the_config_map_in_their_order(
    bench: Bench, catalog: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    urls = f"- file://{tmp_path / 'empty'}\n- {catalog}\n"
    settings = {**Hub.defaults, "artifact-hub-urls": urls}
    bench.store.create(config_map(Hub.config, settings))
    assert said(bench, Hub({}.get), version="0.1") == "0.1"
    with pytest.raises(Unresolved) as refusal:
        bench.find(Hub({}.get), name="gone", version="0.1")
    start, first, second = str(refusal.value).replace(": ", "\n", 1).split("\n")
    assert start == "failed to resolve version constraint from any configured hub URL"
    assert ("empty/task/gone" in first, "catalog/task/gone" in second) == (True, True)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"version": "0.3"}, "no version found for constraint 0.3"),
        ({"version": ">= 2"}, "no version found for constraint >= 2"),
        ({"version": "latest"}, "there is no version 'latest'; there are 0.1, 0.10, 0.2, 1.0"),
        ({"version": "../0.1"}, "there is no version '../0.1'"),
        ({"name": "gone"}, "requested resource '.*gone' not found on hub"),
        ({"name": "../../x"}, "is not a name in a catalog"),
        ({"kind": "secret", "catalog": "x"}, "kind param must be one of: task, pipeline, stepacti"),
        ({"kind": "secret"}, "failed to resolve catalog name with kind: secret"),
        ({"type": "x"}, "failed to resolve catalog name with type: x"),
        ({"type": "tekton"}, "please configure TEKTON_HUB_API env variable to use tekton type"),
        ({"url": "artifacthub.io"}, "url must be a valid absolute URL: artifacthub.io"),
        ({"url": "file:///etc"}, "url must use http or https scheme"),
    ],
)
def test_what_is_not_there_is_told(
    bench: Bench, hub: Hub, params: dict[str, str], message: str
) -> None:
    with pytest.raises(Unresolved, match=message):
        bench.find(hub, **{"name": "greeter", "version": "0.1", **params})


def test_params_that_are_missing_are_named(bench: Bench, hub: Hub) -> None:
    with pytest.raises(Unresolved, match="missing required hub resolver params: name, version"):
        bench.find(hub)


def test_a_link_does_not_lead_out_of_the_catalog(
    bench: Bench, hub: Hub, catalog: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(greeter(), encoding="utf-8")
    inside = catalog / "task" / "greeter" / "0.1" / "greeter.yaml"
    inside.unlink()
    inside.symlink_to(outside)
    with pytest.raises(Unresolved, match="leads out of the catalog"):
        bench.find(hub, name="greeter", version="0.1")
