"""Objects with anything in the place of anything: refused or kept, and readable ever after."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk.tekton.objects import Obj

from .objects import CONFIGS, SECRETS, TASK_RUNS, TASKS, config, task, task_run
from .serving import TABLE, Http, serving

CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
EVENTS = "/api/v1/namespaces/default/events"
_OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
_BASES: list[tuple[str, Obj]] = [
    (CONFIGS, config("a", labels={"l": "x"}, ownerReferences=[_OWNER], finalizers=["f"])),
    (
        SECRETS,
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "YQ=="}},
    ),
    (TASKS, task("a")),
    (TASK_RUNS, {**task_run("a", "true"), "status": {"conditions": [{"type": "Succeeded"}]}}),
    (
        CLAIMS,
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "a"},
            "spec": {"accessModes": ["x"], "resources": {"requests": {"storage": "1Gi"}}},
        },
    ),
    (
        EVENTS,
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "a"},
            "involvedObject": {"kind": "Pod", "name": "p"},
            "reason": "r",
        },
    ),
]
_MEDIA = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "uid", "k", "status", "type"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    """One server for all examples."""
    with serving(tmp_path_factory.mktemp("shared")) as http:
        for path, obj in _BASES:
            http.make(path, obj)
        yield http


@settings(max_examples=150)
@given(st.sampled_from(_BASES), st.sampled_from(["create", "update", "status", *_MEDIA]), st.data())
def test_nothing_breaks_the_server(
    shared: Http, base: tuple[str, Obj], verb: str, data: st.DataObject
) -> None:
    path, obj = base
    changed = copy.deepcopy(obj)
    place: Any = changed
    for key in data.draw(st.sampled_from(list(_places(changed)))):
        holder, last, place = place, key, place[key]
    holder[last] = data.draw(_VALUES)
    if verb == "create":
        reply = shared.ask("POST", path, changed)
    elif verb == "update":
        reply = shared.ask("PUT", f"{path}/a", changed)
    elif verb == "status":
        patch = {"status": changed.get("status")}
        reply = shared.ask("PATCH", f"{path}/a/status", patch, media=_MEDIA["merge"])
    else:
        query = "?fieldManager=x&force=true" if verb == "apply" else ""
        reply = shared.ask("PATCH", f"{path}/a{query}", changed, media=_MEDIA[verb])
    assert reply.code < 500, reply.text
    for accept in ("application/json", TABLE):
        assert shared.ask("GET", path, Accept=accept).code == 200


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in an object."""
    if path:
        yield path
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if (isinstance(value, list))
        else ()
    )
    for key, inner in pairs:
        yield from _places(inner, (*path, key))
