"""The verbs over objects: the same on the embedded engine and on a cluster."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mltk.cluster import ClusterBackend
from mltk.errors import AdmissionError, Conflict, MltkError, NotFound
from mltk.local.backend import LocalBackend
from mltk.tekton.objects import Obj, is_done, name_of, reason
from tests.cluster.staging import SLEEPER, config, data, lab, task, task_run, until_ended
from tests.parity.play import Stage, local_stage

__all__ = ["lab"]

LIMIT = 120.0


@pytest.fixture(params=["local", "cluster"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Each of the engines, with a namespace and what drives a run."""
    if request.param == "local":
        with local_stage(tmp_path, "default") as local:
            yield local
        return
    lab, cluster = request.getfixturevalue("lab"), request.getfixturevalue("cluster")
    with ClusterBackend(namespace=lab, kubeconfig=cluster.kubeconfig) as backend:
        yield Stage(backend, lab)


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"t-{secrets.token_hex(3)}"


def test_new_object_gets_what_kubernetes_gives_it(stage: Stage, name: str) -> None:
    made = stage.backend.create(config(stage, name))
    metadata = made["metadata"]
    assert (made["apiVersion"], made["kind"]) == ("v1", "ConfigMap")
    assert (metadata["name"], metadata["namespace"]) == (name, stage.namespace)
    assert len(metadata["uid"]) == 36
    assert metadata["resourceVersion"]
    assert "managedFields" not in metadata
    assert stage.backend.get("configmap", name, stage.namespace) == made
    assert made in stage.backend.list("cm", stage.namespace)


def test_generated_names_are_new(stage: Stage, name: str) -> None:
    names = {
        name_of(stage.backend.create(config(stage, generateName=f"{name}-"))) for _ in range(3)
    }
    assert len(names) == 3
    assert all(each.startswith(f"{name}-") for each in names)


def test_name_can_be_had_once(stage: Stage, name: str) -> None:
    stage.backend.create(config(stage, name))
    with pytest.raises(Conflict, match=f"ConfigMap '{name}' exists already"):
        stage.backend.create(config(stage, name))


def test_missing_object_names_the_command_that_lists(stage: Stage) -> None:
    with pytest.raises(NotFound, match="there is no PipelineRun 'gone'") as failure:
        stage.backend.get("pr", "gone", stage.namespace)
    assert "mltk get pipelineruns" in str(failure.value.hint)
    with pytest.raises(NotFound):
        stage.backend.patch("pr", "gone", stage.namespace, {})
    with pytest.raises(NotFound):
        stage.backend.delete("pr", "gone", stage.namespace)
    with pytest.raises(NotFound):
        list(stage.backend.logs("gone", stage.namespace))


@pytest.mark.parametrize("labels", ["of={0},part in (a, b)", {"of": "{0}", "part": "a"}])
def test_lists_are_selected_by_label(stage: Stage, name: str, labels: Any) -> None:
    for part in ("a", "c"):
        labelled = {"of": name, "part": part}
        stage.backend.create(config(stage, f"{name}-{part}", labels=labelled))
    if isinstance(labels, str):
        wanted: Any = labels.format(name)
    else:
        wanted = {key: value.format(name) for key, value in labels.items()}
    found = stage.backend.list("cm", stage.namespace, wanted)
    assert [name_of(obj) for obj in found] == [f"{name}-a"]
    assert found[0]["kind"] == "ConfigMap"
    assert stage.backend.list("cm", None, wanted) == found


def test_merge_patch_of_rfc_7386(stage: Stage, name: str) -> None:
    stage.backend.create({**config(stage, name), "data": {"keep": "1", "drop": "2"}})
    patch = {"data": {"drop": None, "new": "3"}, "metadata": {"labels": {"l": "1"}}}
    patched = stage.backend.patch("cm", name, stage.namespace, patch)
    assert patched["data"] == {"keep": "1", "new": "3"}
    assert patched["metadata"]["labels"] == {"l": "1"}


def test_apply_creates_changes_and_leaves_alone(stage: Stage, name: str) -> None:
    wanted = [task(stage, name, "a", "b"), config(stage, name)]
    steps = []
    for images in (("a", "b"), ("a", "b"), ("c",)):
        done = stage.backend.apply([task(stage, name, *images), wanted[1]])
        steps.append([what for _, what in done])
        assert done[0][0] == stage.backend.get("task", name, stage.namespace)
    assert steps == [["created"] * 2, ["unchanged"] * 2, ["configured", "unchanged"]]
    spec = stage.backend.get("task", name, stage.namespace)["spec"]
    assert [step["image"] for step in spec["steps"]] == ["c"]


def test_what_is_applied_no_longer_goes(stage: Stage, name: str) -> None:
    stage.backend.apply([{**config(stage, name), "data": {"a": "1", "b": "2"}}])
    stage.backend.apply([{**config(stage, name), "data": {"a": "1"}}])
    assert data(stage, name) == {"a": "1"}


def test_apply_changes_what_was_created(stage: Stage, name: str) -> None:
    stage.backend.create(config(stage, name))
    ((_, what),) = stage.backend.apply([{**config(stage, name), "data": {"k": "new"}}])
    assert (what, data(stage, name)) == ("configured", {"k": "new"})


def test_apply_does_all_or_nothing(stage: Stage, name: str) -> None:
    wrong = config(stage, "Not_A_Name")
    with pytest.raises(AdmissionError) as failure:
        stage.backend.apply([config(stage, name), wrong])
    assert str(failure.value.where).startswith("configmap/Not_A_Name")
    with pytest.raises(NotFound):
        stage.backend.get("cm", name, stage.namespace)


def test_apply_takes_the_namespace_that_is_meant(stage: Stage, name: str) -> None:
    obj = config(stage, name)
    del obj["metadata"]["namespace"]
    ((made, _),) = stage.backend.apply([obj])
    assert made["metadata"]["namespace"] == stage.backend.namespace == stage.namespace


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"steps": []}, "spec.steps"),
        ({"steps": [{"image": "a", "scripd": "true"}]}, "scripd"),
    ],
)
def test_what_tekton_refuses_is_named_with_its_path(
    stage: Stage, name: str, spec: Obj, where: str
) -> None:
    with pytest.raises(AdmissionError) as failure:
        stage.backend.create({**task(stage, name), "spec": spec})
    assert f"task/{name}" in str(failure.value.where)
    assert where in failure.value.describe()


def test_deleted_object_is_gone(stage: Stage, name: str) -> None:
    stage.backend.create(config(stage, name))
    stage.backend.delete("cm", name, stage.namespace)
    with pytest.raises(NotFound):
        stage.backend.get("cm", name, stage.namespace)


def test_watch_tells_what_is_there_and_what_changes(stage: Stage, name: str) -> None:
    stage.backend.create(config(stage, name, labels={"of": name}))
    events = stage.backend.watch("cm", stage.namespace, {"of": name}, timeout=LIMIT)
    assert next(events).type == "ADDED"
    stage.backend.create(config(stage, f"{name}-other"))
    stage.backend.patch("cm", name, stage.namespace, {"data": {"k": "new"}})
    changed = next(events)
    assert (changed.type, changed.obj["data"]["k"]) == ("MODIFIED", "new")
    assert changed.obj["kind"] == "ConfigMap"
    stage.backend.create(config(stage, f"{name}-more", labels={"of": name}))
    added = next(events)
    assert (added.type, name_of(added.obj)) == ("ADDED", f"{name}-more")
    stage.backend.delete("cm", name, stage.namespace)
    gone = next(events)
    assert (gone.type, name_of(gone.obj)) == ("DELETED", name)


def test_watch_of_one_object_ends_when_time_is_up(stage: Stage, name: str) -> None:
    for each in (name, f"{name}-other"):
        stage.backend.create(config(stage, each))
    seen = [
        (event.type, name_of(event.obj))
        for event in stage.backend.watch("cm", stage.namespace, name=name, timeout=0.5)
    ]
    assert seen == [("ADDED", name)]
    assert list(stage.backend.watch("cm", stage.namespace, name="none", timeout=0.2)) == []


def test_logs_of_a_run_that_has_ended(stage: Stage, name: str, image: str) -> None:
    scripts = ("echo one; echo two", "printf 'täil'")
    run = stage.backend.create(task_run(stage, name, image, *scripts))
    with stage.driving(run):
        assert reason(until_ended(stage, name)) == "Succeeded"
    assert list(stage.backend.logs(name, stage.namespace)) == ["one", "two", "täil"]
    assert list(stage.backend.logs(name, stage.namespace, "s1")) == ["täil"]
    assert list(stage.backend.logs(name, stage.namespace, follow=True)) == ["one", "two", "täil"]
    with pytest.raises(NotFound, match="has no step 'build'") as failure:
        list(stage.backend.logs(name, stage.namespace, "build"))
    assert "s0, s1" in str(failure.value.hint)


def test_no_line_is_lost_of_two_streams_at_once(stage: Stage, name: str, image: str) -> None:
    """A cluster writes each down with its time, by which they need not be in order."""
    count = 2000
    counting = f"i=0; while [ $i -lt {count} ]; do i=$((i + 1)); echo $1$i; done"
    script = f"count() {{ {counting}; }}\ncount & count e >&2\nwait"
    run = stage.backend.create(task_run(stage, name, image, script))
    with stage.driving(run):
        followed = list(stage.backend.logs(name, stage.namespace, follow=True))
        assert reason(until_ended(stage, name)) == "Succeeded"
    numbers = range(1, count + 1)
    expected = sorted([*map(str, numbers), *(f"e{number}" for number in numbers)])
    assert sorted(stage.backend.logs(name, stage.namespace)) == expected
    assert sorted(followed) == expected


def test_logs_are_of_the_last_attempt(stage: Stage, name: str, image: str) -> None:
    obj = task_run(stage, name, image, "echo attempt $(context.task.retry-count); exit 1")
    obj["spec"]["retries"] = 1
    run = stage.backend.create(obj)
    with stage.driving(run):
        until_ended(stage, name)
    assert list(stage.backend.logs(name, stage.namespace)) == ["attempt 1"]


def test_followed_logs_come_as_they_are_written(stage: Stage, name: str, image: str) -> None:
    run = stage.backend.create(task_run(stage, name, image, SLEEPER))
    with stage.driving(run):
        lines = stage.backend.logs(name, stage.namespace, follow=True)
        assert next(lines) == "begun"
        assert not is_done(stage.backend.get("TaskRun", name, stage.namespace))
        stage.backend.cancel(run, "TaskRunCancelled")
        assert list(lines) == []
        assert reason(until_ended(stage, name)) == "TaskRunCancelled"


def test_followed_step_ends_before_its_run(stage: Stage, name: str, image: str) -> None:
    run = stage.backend.create(task_run(stage, name, image, "echo one; echo two", SLEEPER))
    with stage.driving(run):
        assert list(stage.backend.logs(name, stage.namespace, "s0", follow=True)) == ["one", "two"]
        assert not is_done(stage.backend.get("TaskRun", name, stage.namespace))
        lines = stage.backend.logs(name, stage.namespace, "s1", follow=True)
        assert next(lines) == "begun"
        stage.backend.cancel(run, "TaskRunCancelled")
        assert list(lines) == []
        assert reason(until_ended(stage, name)) == "TaskRunCancelled"


def test_run_that_goes_on_is_cancelled_before_it_is_deleted(
    stage: Stage, name: str, image: str
) -> None:
    run = stage.backend.create(task_run(stage, name, image, SLEEPER))
    with stage.driving(run):
        assert next(stage.backend.logs(name, stage.namespace, follow=True)) == "begun"
        with pytest.raises(Conflict, match="is running") as failure:
            stage.backend.delete("tr", name, stage.namespace)
        assert f"mltk cancel {name}" in str(failure.value.hint)
        asked = stage.backend.cancel(run, "TaskRunCancelled")
        assert asked["spec"]["status"] == "TaskRunCancelled"
        ended = until_ended(stage, name)
    assert reason(ended) == "TaskRunCancelled"
    with pytest.raises(Conflict, match=r"has ended already \(TaskRunCancelled\)") as failure:
        stage.backend.cancel(run, "TaskRunCancelled")
    assert failure.value.hint == f"mltk rerun {name}"
    stage.backend.delete("tr", name, stage.namespace)
    with pytest.raises(NotFound):
        stage.backend.get("tr", name, stage.namespace)


def test_events_are_in_order(stage: Stage, name: str, image: str) -> None:
    run = stage.backend.create(task_run(stage, name, image, "true"))
    with stage.driving(run):
        ended = until_ended(stage, name)
    found = [event["reason"] for event in stage.backend.events(ended)]
    assert found.index("Started") < found.index("Succeeded")
    if not isinstance(stage.backend, LocalBackend):  # there are no pods
        assert found.index("Scheduled") < found.index("Succeeded")


def test_selector_that_is_none_is_refused_by_both(stage: Stage) -> None:
    for verb in (stage.backend.list, stage.backend.watch):
        with pytest.raises(MltkError, match="not a label selector") as failure:
            list(verb("cm", stage.namespace, "a=("))
        assert failure.value.exit_code == 2


def test_unknown_kind_is_refused_by_both(stage: Stage) -> None:
    with pytest.raises(MltkError, match="no kind 'deployment'"):
        stage.backend.get("deployment", "a", stage.namespace)
    with pytest.raises(AdmissionError, match=r"'Deployment'|no kind"):
        stage.backend.create({"kind": "Deployment", "metadata": {"name": "a"}})
