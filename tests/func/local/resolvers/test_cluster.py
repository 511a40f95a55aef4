"""The resolver ``cluster``: objects of the store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mltk.local.resolvers.cluster import Cluster
from mltk.tekton.answers import read_found
from mltk.tekton.objects import uid_of
from mltk.tekton.remote import Unresolved

from .conftest import Bench, config_map, greeter

CLUSTER = Cluster()


@pytest.fixture(autouse=True)
def there(bench: Bench) -> None:
    """A Task in a namespace of its own."""
    task = json.loads(greeter())
    task["metadata"]["namespace"] = "shared"
    bench.store.create(task)


def asked(**params: Any) -> dict[str, Any]:
    return {"kind": "task", "name": "greeter", "namespace": "shared", **params}


def test_a_task_of_another_namespace_is_found(bench: Bench) -> None:
    found = bench.find(CLUSTER, **asked())
    kept = bench.store.get("Task", "greeter", "shared")
    place = f"/apis/tekton.dev/v1/namespaces/shared/task/greeter@{uid_of(kept)}"
    assert found.source["uri"] == place
    assert read_found(found.data.decode(), "Task")["spec"] == kept["spec"]


def test_the_digest_is_that_of_what_the_task_says(bench: Bench) -> None:
    before = bench.find(CLUSTER, **asked()).source["digest"]
    bench.store.patch("Task", "greeter", "shared", {"metadata": {"labels": {"a": "b"}}})
    assert bench.find(CLUSTER, **asked()).source["digest"] == before
    bench.store.patch("Task", "greeter", "shared", {"spec": {"description": "new"}})
    assert bench.find(CLUSTER, **asked()).source["digest"] != before


def test_kind_and_namespace_come_from_the_config_map(bench: Bench) -> None:
    with pytest.raises(Unresolved, match="missing required cluster resolver params: namespace"):
        bench.find(CLUSTER, name="greeter")
    settings = {"default-kind": "task", "default-namespace": "shared"}
    bench.store.create(config_map(CLUSTER.config, settings))
    assert bench.find(CLUSTER, name="greeter").data


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": "gone"}, 'tasks.tekton.dev "gone" not found'),
        ({"kind": "secret"}, "unknown or unsupported resource kind 'secret'"),
        ({"name": ""}, "missing required cluster resolver params: name"),
        ({"name": "", "namespace": " "}, "resolver params: name, namespace"),
        ({"name": ["greeter"]}, "resolver params: name"),
    ],
)
def test_what_is_not_there_is_told(bench: Bench, params: dict[str, Any], message: str) -> None:
    with pytest.raises(Unresolved, match=message):
        bench.find(CLUSTER, **asked(**params))


@pytest.mark.parametrize(
    ("allowed", "blocked", "message"),
    [
        ("", "shared", "access to specified namespace shared is blocked"),
        ("shared", "shared", "is blocked"),
        ("", "*", "only explicit allowed access to namespaces is allowed"),
        ("other, third", "", "access to specified namespace shared is not allowed"),
        ("shared", "*", ""),
        ("other, shared", "", ""),
        ("", "other", ""),
    ],
)
def test_namespaces_are_allowed_and_blocked(
    bench: Bench, allowed: str, blocked: str, message: str
) -> None:
    settings = {"allowed-namespaces": allowed, "blocked-namespaces": blocked}
    bench.store.create(config_map(CLUSTER.config, settings))
    if not message:
        assert bench.find(CLUSTER, **asked()).data
        return
    with pytest.raises(Unresolved, match=message):
        bench.find(CLUSTER, **asked())
