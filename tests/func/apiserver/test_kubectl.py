"""The real kubectl on a laptop."""

from __future__ import annotations

import json

import pytest
import yaml

from mltk.tekton.objects import Obj

from .objects import config, task, task_run, trigger_objects
from .serving import Served


def text(*objs: Obj) -> str:
    return yaml.safe_dump_all(objs)


def test_resources_are_known_by_their_short_names(server: Served) -> None:
    listed = server.kubectl("api-resources", "-o", "name").split()
    assert {"pods", "secrets", "taskruns.tekton.dev", "pipelineruns.tekton.dev"} <= set(listed)
    assert "No resources found" in server.kubectl("get", "pr", "-n", "default", code=None)
    assert "Server Version: v1." in server.kubectl("version")


def test_apply_says_what_it_did(server: Served, name: str) -> None:
    said = [
        server.kubectl("apply", "-f", "-", stdin=text(task(name, script), config(name)))
        for script in ("true", "true", "false")
    ]
    lines = [[line.split()[-1] for line in each.splitlines()] for each in said]
    assert lines == [["created"] * 2, ["unchanged"] * 2, ["configured", "unchanged"]]


def test_apply_refuses_what_is_misspelt(server: Served, name: str) -> None:
    wrong = task(name)
    wrong["spec"]["steps"][0]["scripd"] = "true"
    said = server.kubectl("apply", "-f", "-", stdin=text(wrong), code=1)
    assert "spec.steps[0].scripd" in said
    said = server.kubectl("apply", "-f", "-", stdin=text({**config(name), "dota": {}}), code=1)
    assert 'unknown field "dota"' in said


def test_server_side_apply(server: Served, name: str) -> None:
    words = ("apply", "--server-side", "-f", "-")
    server.kubectl(*words, stdin=text(task(name)))
    other = text(task(name, "false"))
    said = server.kubectl(*words, "--field-manager=other", stdin=other, code=1)
    assert 'conflict with "kubectl": .spec.steps' in said
    server.kubectl(*words, "--field-manager=other", "--force-conflicts", stdin=other)
    found = server.kubectl("get", "task", name, "-o", "jsonpath={.spec.steps[0].script}")
    assert found == "false"


def test_dry_run_makes_nothing(server: Served, name: str) -> None:
    words = ("create", "-f", "-", "--dry-run=server", "-o", "name")
    assert server.kubectl(*words, stdin=text(task(name))) == f"task.tekton.dev/{name}\n"
    assert "NotFound" in server.kubectl("get", "task", name, code=1)


def test_forms_of_output(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(config(name)))
    assert server.kubectl("get", "cm", name, "-o", "name") == f"configmap/{name}\n"
    table = server.kubectl("get", "cm", name).splitlines()
    assert table[0].split() == ["NAME", "DATA", "AGE"]
    assert table[1].split()[:2] == [name, "1"]
    assert yaml.safe_load(server.kubectl("get", "cm", name, "-o", "yaml"))["data"] == {"k": "v"}
    assert json.loads(server.kubectl("get", "cm", name, "-o", "json"))["kind"] == "ConfigMap"
    wanted = "custom-columns=N:.metadata.name,K:.data.k"
    assert server.kubectl("get", "cm", name, "-o", wanted).split() == ["N", "K", name, "v"]


def test_objects_of_kubernetes_own_kinds(server: Served, name: str) -> None:
    server.kubectl("create", "namespace", name)
    place = ("-n", name)
    server.kubectl("create", "configmap", "c", "--from-literal=a=b", *place)
    server.kubectl("create", "secret", "generic", "s", "--from-literal=a=b", *place)
    server.kubectl("create", "serviceaccount", "robot", *place)
    assert server.kubectl("get", "secret", "s", "-o", "jsonpath={.data.a}", *place) == "Yg=="
    found = server.kubectl("get", "sa", "-o", "name", *place).split()
    assert found == ["serviceaccount/default", "serviceaccount/robot"]
    server.kubectl("delete", "namespace", name)
    assert "NotFound" in server.kubectl("get", "namespace", name, code=1)


@pytest.mark.parametrize(
    "words",
    [
        ("--type=json", "-p", '[{"op": "add", "path": "/data/n", "value": "1"}]'),
        ("--type=merge", "-p", '{"data": {"n": "1"}}'),
        ("-p", '{"data": {"n": "1"}}'),
    ],
)
def test_patch(server: Served, name: str, words: tuple[str, ...]) -> None:
    server.kubectl("create", "-f", "-", stdin=text(config(name)))
    server.kubectl("patch", "cm", name, *words)
    assert server.kubectl("get", "cm", name, "-o", "jsonpath={.data.n}") == "1"


def test_limit_ranges(server: Served, name: str) -> None:
    item = {"type": "Container", "max": {"cpu": "2", "memory": "2048Mi"}, "min": {"cpu": "1000m"}}
    metadata = {"name": "bounds", "namespace": name}
    obj = {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata}
    server.kubectl("create", "namespace", name)
    limits = {**obj, "spec": {"limits": [item, {"type": "Pod", "max": {"cpu": "4"}}]}}
    for said in ("created", "configured"):
        told = server.kubectl("apply", "-f", "-", stdin=text(limits))
        assert told == f"limitrange/bounds {said}\n"
    place = ("-n", name)
    table = server.kubectl("get", "limits", *place).splitlines()
    assert table[0].split() == ["NAME", "CREATED", "AT"]
    assert table[1].split()[0] == "bounds"
    rows = server.kubectl("describe", "limitrange", "bounds", *place).splitlines()
    # kubectl has no order of its own for resources.
    assert sorted(row.split() for row in rows if row.startswith(("Container", "Pod"))) == [
        ["Container", "cpu", "1", "2", "2", "2", "-"],
        ["Container", "memory", "-", "2Gi", "2Gi", "2Gi", "-"],
        ["Pod", "cpu", "-", "4", "-", "-", "-"],
    ]
    assert "defaultRequest\t<map[string]" in server.kubectl("explain", "limitrange.spec.limits")
    wrong = {**obj, "spec": {"limits": [{**item, "min": {"cpu": "3"}}]}}
    told = server.kubectl("apply", "-f", "-", stdin=text(wrong), code=1)
    assert 'spec.limits[0].min[cpu]: Invalid value: "3"' in told
    wrong = {**obj, "spec": {"limits": [{**item, "kind": "Pod"}]}}
    told = server.kubectl("apply", "-f", "-", stdin=text(wrong), code=1)
    assert 'unknown field "spec.limits' in told


def test_labels_select(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(task(name)))
    server.kubectl("label", "task", name, f"of={name}")
    server.kubectl("annotate", "task", name, "why=test")
    assert server.kubectl("get", "task", "-l", f"of={name}", "-o", "name").split() == [
        f"task.tekton.dev/{name}"
    ]
    server.kubectl("delete", "task", "-l", f"of={name}")
    assert "NotFound" in server.kubectl("get", "task", name, code=1)


def test_watch_shows_changes(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(config(name)))
    watch = server.start("kubectl", "get", "cm", name, "-w", "--no-headers")
    assert watch.stdout is not None
    try:
        assert watch.stdout.readline().split()[:2] == [name, "1"]
        server.kubectl("patch", "cm", name, "-p", '{"data": {"n": "1"}}')
        assert watch.stdout.readline().split()[:2] == [name, "2"]
    finally:
        watch.terminate()
        watch.communicate(timeout=60)


def test_wait_for_a_condition(server: Served, name: str) -> None:
    pending = task_run(name, "true", status="TaskRunPending")
    server.kubectl("create", "-f", "-", stdin=text(pending))
    wait = server.start("kubectl", "wait", "tr", name, "--for=condition=Succeeded")
    status = {"status": {"conditions": [{"type": "Succeeded", "status": "True"}]}}
    words = ("--subresource=status", "--type=merge", "-p", json.dumps(status))
    server.kubectl("patch", "tr", name, *words)
    said, _ = wait.communicate(timeout=60)
    assert (wait.returncode, said) == (0, f"taskrun.tekton.dev/{name} condition met\n")


def test_explain_shows_fields(server: Served) -> None:
    assert "script\t<string>" in server.kubectl("explain", "task.spec.steps")
    assert "taskRef\t<TaskRef>" in server.kubectl("explain", "taskrun.spec")
    assert "stringData\t<map[string]string>" in server.kubectl("explain", "secret")


def test_describe_and_delete(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(task(name)))
    said = server.kubectl("describe", "task", name)
    assert "Kind:         Task" in said
    assert server.kubectl("delete", "task", name) == f'task.tekton.dev "{name}" deleted\n'


def test_events_of_a_run(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(task_run(name, "exit 3")))
    server.kubectl("wait", "tr", name, "--for=condition=Succeeded=false", "--timeout=60s")
    said = server.kubectl("describe", "tr", name)
    rows = [line.split()[:2] for line in said[said.index("Events:") :].splitlines()[3:]]
    assert rows == [["Normal", "Started"], ["Normal", "Running"], ["Warning", "Failed"]]
    chosen = f"involvedObject.name={name},type=Warning"
    said = server.kubectl("get", "events", "--field-selector", chosen, "--no-headers")
    assert said.split()[1:4] == ["Warning", "Failed", f"taskrun/{name}"]
    assert '"step-s0" exited with code 3: Error' in said


def test_whoever_comes_in_may_do_all(server: Served) -> None:
    assert server.kubectl("auth", "can-i", "create", "pipelineruns") == "yes\n"
    assert "*.*" in server.kubectl("auth", "can-i", "--list")
    assert "mltk" in server.kubectl("auth", "whoami")


def test_long_lists_come_in_pages(server: Served, name: str) -> None:
    server.kubectl("create", "namespace", name)
    objs = [config(f"c{n:02}") for n in range(25)]
    server.kubectl("create", "-n", name, "-f", "-", stdin=text(*objs))
    found = server.kubectl("get", "cm", "-n", name, "-o", "name", "--chunk-size=10").split()
    assert found == [f"configmap/c{n:02}" for n in range(25)]


def test_kinds_of_triggers(server: Served, name: str) -> None:
    stored = text(*trigger_objects(name))
    said = server.kubectl("apply", "-f", "-", stdin=stored)
    assert [line.split()[-1] for line in said.splitlines()] == ["created"] * 7
    # As on a cluster: what admission completes in a list is not as kubectl remembers it.
    said = server.kubectl("apply", "-f", "-", stdin=stored)
    assert [line.split()[-1] for line in said.splitlines()] == [
        *["unchanged"] * 3, *["configured"] * 2, *["unchanged"] * 2,
    ]  # fmt: skip
    words = ("apply", "--server-side", "-f", "-")
    assert ".spec.bindings" in server.kubectl(*words, stdin=stored, code=1)
    said = server.kubectl(*words, "--force-conflicts", stdin=stored)
    assert [line.split()[-1] for line in said.splitlines()] == ["serverside-applied"] * 7
    for short in ("el", "tri", "tb", "ctb", "tt", "ni", "ci"):
        assert server.kubectl("get", short, name, "-o", "jsonpath={.metadata.name}") == name
    place = "jsonpath={.metadata.namespace}"
    assert server.kubectl("get", "ctb", name, "-o", place) == ""
    assert server.kubectl("get", "tb", name, "-o", place) == "default"
    assert "resourcetemplates\t<[]Object>" in server.kubectl("explain", "triggertemplate.spec")
    assert "triggerRef\t<string>" in server.kubectl("explain", "el.spec.triggers")
    server.kubectl(
        "patch", "ci", name, "--type=merge", "-p", '{"metadata": {"labels": {"a": "b"}}}'
    )
    said = server.kubectl("delete", "ctb,ci", name)
    assert [line.split()[-1] for line in said.splitlines()] == ["deleted"] * 2
    assert "NotFound" in server.kubectl("get", "ctb", name, code=1)


def test_triggers_are_refused_as_tekton_does(server: Served, name: str) -> None:
    listener = trigger_objects(name)[4]
    listener["spec"]["triggers"][0]["template"] = {}
    said = server.kubectl("apply", "-f", "-", stdin=text(listener), code=1)
    assert "expected exactly one, got neither: spec.triggers[0].template.ref" in said


def test_diff_shows_what_apply_would_change(server: Served, name: str) -> None:
    server.kubectl("apply", "-f", "-", stdin=text(config(name)))
    assert server.kubectl("diff", "-f", "-", stdin=text(config(name))) == ""
    said = server.kubectl("diff", "-f", "-", stdin=text(config(name, {"k": "new"})), code=1)
    assert "-  k: v" in said
    assert "+  k: new" in said
    assert server.kubectl("get", "cm", name, "-o", "jsonpath={.data.k}") == "v"


def test_edit_in_an_editor(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(task(name, "echo before")))
    server.kubectl("edit", "task", name, editor="sed -i s/before/after/")
    found = server.kubectl("get", "task", name, "-o", "jsonpath={.spec.steps[0].script}")
    assert found == "echo after"
    said = server.kubectl("edit", "task", name, editor="sed -i s/script:/scirpt:/", code=1)
    assert "did you mean 'script'" in said


def test_replace(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(config(name)))
    server.kubectl("replace", "-f", "-", stdin=text(config(name, {"new": "1"})))
    assert server.kubectl("get", "cm", name, "-o", "jsonpath={.data}") == '{"new":"1"}'


def test_events_of_clients_are_kept(server: Served, name: str) -> None:
    server.kubectl("create", "namespace", name)
    place = ("-n", name)
    assert "No resources found" in server.kubectl("get", "events", *place, code=None)
    about = {
        "apiVersion": "tekton.dev/v1", "kind": "TaskRun", "name": name, "namespace": name,
    }  # fmt: skip
    run = task_run(name, "true", status="TaskRunPending")
    server.kubectl("create", "-f", "-", *place, stdin=text(run))
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": about,
        "reason": "Seen", "type": "Normal", "message": "by a client",
    }  # fmt: skip
    server.kubectl("create", "-f", "-", *place, stdin=text(event))
    assert "by a client" in server.kubectl("get", "events", *place)
    assert "by a client" in server.kubectl("events", "--for", f"taskrun/{name}", *place)


def test_what_is_not_done_is_refused_in_words(server: Served, name: str) -> None:
    server.kubectl("create", "-f", "-", stdin=text(task_run(name, "echo begun; sleep 300")))
    pod = f"{name}-pod"
    server.kubectl("wait", f"pod/{pod}", "--for=jsonpath={.status.phase}=Running", "--timeout=60s")
    for words, said in (
        (("exec", pod, "--", "true"), "not served here"),
        (("attach", pod), "not served here"),
        (("port-forward", f"pod/{pod}", ":80"), "not served here"),
        (("scale", "tr", name, "--replicas=2"), "not find the requested resource"),
        (("top", "pods"), "Metrics API not available"),
        (("run", "other", "--image=none"), "does not allow this method"),
        (("expose", "pod", pod, "--port=80"), 'no matches for kind "Service"'),
    ):
        assert said in server.kubectl(*words, code=1), words
    server.kubectl("delete", "tr", name)
