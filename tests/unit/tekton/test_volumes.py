"""What volumes hold, and what a container may learn of its pod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mltk.tekton.downward import PodFacts, Resources
from mltk.tekton.pod import Mount, step_mounts
from mltk.tekton.resolved import POD_PATHS
from mltk.tekton.taskrun import resolve
from mltk.tekton.verdicts import TaskRunRejected
from mltk.tekton.volumes import File, Surroundings, files, references
from mltk.tekton.workspaces import volume_names

HELD: dict[tuple[str, str], Mapping[str, str]] = {
    ("ConfigMap", "c"): {"b": "2", "a": "1"},
    ("Secret", "s"): {"key": "\udcff"},
}
ITEM = {"key": "d", "path": "d"}
POD = PodFacts(
    {"metadata.name": "p"},
    {"l": "1", "k": 'a "b"'},
    {"n": "x\ny"},
    {"step-s": Resources({"cpu": "1500m"}, {"memory": "1Gi"}, {"cpu": "8"})},
)
AROUND = Surroundings(lambda kind, name: HELD.get((kind, name)), POD)


def read(**source: Any) -> list[File]:
    return files("v", source, AROUND)


def test_all_keys_of_an_object() -> None:
    assert read(configMap={"name": "c"}) == [File("a", b"1"), File("b", b"2")]
    assert read(secret={"secretName": "s", "defaultMode": 0o400}) == [File("key", b"\xff", 0o400)]


def test_some_keys_at_paths_and_with_modes() -> None:
    items = [{"key": "b", "path": "x/y", "mode": 0o755}, {"key": "a", "path": "z"}]
    source = {"name": "c", "items": items, "defaultMode": 0o600}
    assert read(configMap=source) == [File("x/y", b"2", 0o755), File("z", b"1", 0o600)]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"configMap": {"name": "gone"}}, 'configmap "gone" not found'),
        ({"secret": {"secretName": "gone"}}, 'secret "gone" not found'),
        (
            {"configMap": {"name": "c", "items": [ITEM]}},
            "references non-existent config key: d",
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "s", "items": [ITEM]}}]}},
            "references non-existent secret key: d",
        ),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named_unless_optional(source: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskRunRejected) as refusal:
        read(**source)
    assert refusal.value.reason == "FailedMount"
    assert refusal.value.message == f'MountVolume.SetUp failed for volume "v" : {said}'
    body: Any = next(iter(source.values()))
    for part in body.get("sources") or [source]:
        next(iter(part.values()))["optional"] = True
    assert read(**source) == []


def test_projected_parts_lie_over_one_another() -> None:
    sources = [
        {"configMap": {"name": "c"}},
        {"secret": {"name": "s", "items": [{"key": "key", "path": "a"}]}},
        {"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    found = read(projected={"sources": sources, "defaultMode": 0o640})
    assert found == [File("a", b"\xff", 0o640), File("b", b"2", 0o640), File("n", b"p", 0o640)]
    assert set(references({"projected": {"sources": sources}})) == {
        ("ConfigMap", "c"), ("Secret", "s"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['l']", "1"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'k="a \\"b\\""\nl="1"'),
        ("metadata.annotations", 'n="x\\ny"'),
    ],
)
def test_fields_of_the_pod(path: str, value: str) -> None:
    assert POD.read({"fieldRef": {"fieldPath": path}}) == value


def test_field_that_pods_do_not_have() -> None:
    with pytest.raises(TaskRunRejected, match="unsupported fieldPath"):
        POD.read({"fieldRef": {"fieldPath": "spec.x"}})


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("requests.cpu", None, "2"),
        ("requests.cpu", "1m", "1500"),
        ("limits.memory", "1Mi", "1024"),
        ("requests.memory", "1", "1073741824"),
        ("limits.cpu", "0", "8"),
        ("requests.ephemeral-storage", "1", "0"),
    ],
)
def test_resources_of_a_container(resource: str, divisor: str | None, value: str) -> None:
    ref = {"resource": resource, **({"divisor": divisor} if divisor else {})}
    assert POD.read({"resourceFieldRef": ref}, "step-s") == value


def test_an_explicit_mount_replaces_an_implicit_one() -> None:
    step = {"volumeMounts": [{"name": "v", "mountPath": "/tekton/home/"}]}
    mounts = {mount.path: mount for mount in step_mounts(step, 1, 2)}
    assert mounts["/tekton/home"].volume == "v"
    assert mounts["/workspace"] == Mount("tekton-internal-workspace", "/workspace")
    assert [mounts[f"/tekton/run/{index}"].read_only for index in (0, 1)] == [True, False]
    assert mounts["/tekton/steps"].read_only


def test_workspaces_of_one_claim_are_one_volume() -> None:
    claim = {"persistentVolumeClaim": {"claimName": "c"}}
    names = volume_names([{"name": "data", **claim}, {"name": "more", **claim}])
    assert names == {"data": "ws-d872e", "more": "ws-d872e"}


def test_pod_that_mounts_what_is_not_there() -> None:
    step = {"image": "i", "script": "x", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    task_run = {"metadata": {"name": "tr", "namespace": "n", "uid": "u"}, "spec": {}}
    with pytest.raises(TaskRunRejected) as refusal:
        resolve(task_run, {"steps": [step]}, POD_PATHS)
    assert refusal.value.message == (
        'failed to create task run pod "tr": Pod "tr-pod" is invalid: '
        'spec.containers[0].volumeMounts[0].name: Not found: "v". Maybe invalid TaskSpec'
    )
