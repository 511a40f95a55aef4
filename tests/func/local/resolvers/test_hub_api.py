"""The resolver ``hub`` on hubs that speak HTTP, on a real server of this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.local.resolvers.hub import Hub
from mltk.local.resolvers.mirrors import CONFIG
from mltk.tekton.remote import Unresolved

from .conftest import Bench, Handler, config_map, greeter

PACKAGES = "/api/v1/packages/tekton-task/tekton-catalog-tasks/greeter"
RESOURCE = "/v1/resource/Tekton/task/greeter"
NOBODY = Hub({}.get)


@pytest.fixture
def hub(base: str) -> str:
    """The address of a server that is both an Artifact Hub and a Tekton Hub."""
    versions = [{"version": each} for each in ("0.1.0", "0.9.0", "0.10.0")]
    newer = {"version": "1.0.0", "prerelease": True}
    answer(PACKAGES, {"available_versions": [*versions, newer]})
    answer(RESOURCE, {"data": {"versions": [{"version": "0.1"}, {"version": "0.10"}]}})
    for version in ("0.1", "0.9", "0.10"):
        text = greeter(word=version)
        answer(f"{PACKAGES}/{version}.0", {"data": {"manifestRaw": text}})
        answer(f"{RESOURCE}/{version}/yaml", {"data": {"yaml": text}})
    return base


def answer(path: str, said: Any) -> None:
    data = json.dumps(said).encode()
    Handler.answers[path] = lambda handler: handler.send(data)


@pytest.mark.parametrize("kind", ["artifact", "tekton"])
@pytest.mark.parametrize(
    ("version", "found"), [("0.10", "0.10"), ("0.1.0", "0.1"), (">= 0.1", "0.10"), ("< 0.10", "")]
)
def test_the_newest_version_that_fits_is_found(
    bench: Bench, hub: str, kind: str, version: str, found: str
) -> None:
    found = found or {"artifact": "0.9", "tekton": "0.1"}[kind]
    got = bench.find(NOBODY, url=f"{hub}/", type=kind, name="greeter", version=version)
    assert got.data.decode() == greeter(word=found)
    path = {"artifact": f"{PACKAGES}/{found}.0", "tekton": f"{RESOURCE}/{found}/yaml"}[kind]
    assert got.source["uri"] == f"{hub}{path}"


def test_a_hub_is_where_the_variable_or_the_config_map_says(bench: Bench, hub: str) -> None:
    named = Hub({"TEKTON_HUB_API": hub}.get)
    found = bench.find(named, type="tekton", name="greeter", version="0.1")
    assert found.data.decode() == greeter(word="0.1")
    urls = json.dumps([f"{hub}/gone", hub])
    bench.store.create(config_map(Hub.config, {**Hub.defaults, "artifact-hub-urls": urls}))
    assert bench.find(NOBODY, name="greeter", version="0.1").data.decode() == greeter(word="0.1")


def test_artifact_hub_itself_is_asked_where_nobody_says_another(bench: Bench, hub: str) -> None:
    mirrors = json.dumps({"https://artifacthub.io/": f"{hub}/"})
    bench.store.create(config_map(CONFIG, {"mirrors": mirrors}))
    found = bench.find(NOBODY, name="greeter", version="0.1")
    assert found.source["uri"] == f"https://artifacthub.io{PACKAGES}/0.1.0"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"version": "0.2"}, "^no version found for constraint 0.2$"),
        ({"version": "1.0.0"}, "^no version found for constraint 1.0.0$"),
        (
            {"name": "gone"},
            "^fail to fetch Artifact Hub resource: requested resource '.*/gone' not found on hub$",
        ),
        (
            {"type": "tekton", "version": "latest"},
            "^fail to fetch Tekton Hub resource: requested resource '.*/latest/yaml' not found",
        ),
        ({"name": "text"}, "error unmarshalling json response"),
        ({"name": "list"}, "error unmarshalling json response"),
        ({"name": "odd"}, "fail to parse version artifact from x: Malformed version: x"),
        (
            {"url": "http://127.0.0.1:1"},
            '^fail to fetch Artifact Hub resource: requesting resource from Hub: Get "http://127',
        ),
    ],
)
def test_what_is_not_there_is_told_in_tekton_s_words(
    bench: Bench, hub: str, params: dict[str, str], message: str
) -> None:
    Handler.answers[PACKAGES.replace("greeter", "text")] = lambda handler: handler.send(b"<")
    answer(PACKAGES.replace("greeter", "list"), [])
    answer(PACKAGES.replace("greeter", "odd"), {"available_versions": [{"version": "x"}, 5]})
    with pytest.raises(Unresolved, match=message):
        bench.find(NOBODY, **{"url": hub, "name": "greeter", "version": "0.1", **params})
