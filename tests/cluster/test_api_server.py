"""What only a real API server, scheduler and kubelet can do to the cluster's backend."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.cluster import ClusterBackend
from mltk.cluster.applying import WRITER
from mltk.cluster.call import EVENT, Call
from mltk.cluster.listing import list_all, selection
from mltk.cluster.server import APPLY, Server
from mltk.cluster.watch import watch
from mltk.errors import Conflict, InfrastructureError, NotFound
from mltk.tekton.api import Event
from mltk.tekton.kinds import Kind, find_kind
from mltk.tekton.objects import Obj, name_of, reason, status_of
from tests.cluster.cutting import line_to
from tests.cluster.programs import Cluster
from tests.cluster.staging import config, lab, task_run, until_ended
from tests.parity.play import Stage

__all__ = ["lab"]

LIMIT = 120.0


@pytest.fixture
def stage(cluster: Cluster, lab: str) -> Iterator[Stage]:
    with ClusterBackend(namespace=lab, kubeconfig=cluster.kubeconfig) as backend:
        yield Stage(backend, lab)


@pytest.fixture
def server(stage: Stage) -> Server:
    assert isinstance(stage.backend, ClusterBackend)
    return stage.backend.server


@pytest.fixture
def name() -> str:
    return f"t-{secrets.token_hex(3)}"


@contextmanager
def as_user(cluster: Cluster, lab: str, folder: Path, token: str) -> Iterator[ClusterBackend]:
    """The backend of somebody who has nothing but a token."""
    settings: Any = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    for user in settings["users"]:
        user["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with ClusterBackend(namespace=lab, kubeconfig=path) as backend:
        yield backend


def test_missing_right_is_named_with_the_role_to_ask_for(
    cluster: Cluster, lab: str, name: str, tmp_path: Path
) -> None:
    cluster.kubectl("create", "serviceaccount", name, "-n", lab)
    cluster.kubectl("create", "role", name, "-n", lab, "--verb=get,list",
                    "--resource=taskruns.tekton.dev")  # fmt: skip
    cluster.kubectl("create", "rolebinding", name, "-n", lab, f"--role={name}",
                    f"--serviceaccount={lab}:{name}")  # fmt: skip
    token = cluster.kubectl("create", "token", name, "-n", lab).strip()
    with as_user(cluster, lab, tmp_path, token) as backend:
        assert isinstance(backend.list("tr", lab), list)
        with pytest.raises(InfrastructureError) as failure:
            next(backend.watch("tr", lab, timeout=5), None)
        assert failure.value.what == (
            f"user 'system:serviceaccount:{lab}:{name}' may not watch taskruns.tekton.dev"
            f" in namespace '{lab}'"
        )
        with pytest.raises(InfrastructureError, match=r"may not list taskruns.* all namespaces"):
            backend.list("tr")
        with pytest.raises(InfrastructureError, match="may not create configmaps") as failure:
            backend.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
        assert f"`kubectl auth can-i create configmaps -n {lab}`" in str(failure.value.hint)


def test_who_is_not_known_is_told_to_log_in(cluster: Cluster, lab: str, tmp_path: Path) -> None:
    with (
        as_user(cluster, lab, tmp_path, "expired") as backend,
        pytest.raises(InfrastructureError, match="does not know who you are"),
    ):
        backend.list("tr", lab)


def test_kind_that_the_server_does_not_have_says_what_to_install(server: Server, lab: str) -> None:
    older = Kind("PipelineRun", "pipelineruns", "pipelinerun", "pr", "tekton.dev/v9")
    with pytest.raises(InfrastructureError, match="Tekton Pipelines is not installed") as failure:
        server.send(Call("list", older, lab))
    assert "kubectl apply -f https://" in str(failure.value.hint)


def test_missing_namespace_is_told(stage: Stage, name: str) -> None:
    obj = config(stage, name, namespace=f"{name}-none")
    for verb in (stage.backend.create, lambda obj: stage.backend.apply([obj])):
        with pytest.raises(NotFound, match=f"no namespace '{name}-none'"):
            verb(obj)


def test_full_quota_is_no_missing_right(cluster: Cluster, stage: Stage, name: str) -> None:
    cluster.kubectl("create", "namespace", name)
    try:
        cluster.kubectl("create", "quota", "few", "-n", name, "--hard=count/secrets=0")
        cluster.kubectl("wait", "quota/few", "-n", name, "--for=jsonpath={.status.hard}")
        metadata = {"name": "a", "namespace": name}
        secret: Obj = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
        with pytest.raises(InfrastructureError, match="has no room for it: exceeded quota: few"):
            stage.backend.create(secret)
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")


def test_field_of_another_manager_is_not_taken(stage: Stage, server: Server, name: str) -> None:
    theirs = config(stage, name)
    call = Call("patch", find_kind("cm"), stage.namespace, name)
    server.send(call, {**WRITER, "fieldManager": "ann"}, theirs, APPLY)
    with pytest.raises(Conflict) as failure:
        stage.backend.apply([{**theirs, "data": {"k": "mine"}}])
    assert failure.value.what == f"ann set data.k of ConfigMap '{name}'"
    assert "--force-conflicts --field-manager=mltk" in str(failure.value.hint)
    ((applied, what),) = stage.backend.apply([{**theirs, "data": {"mine": "1"}}])
    assert (what, applied["data"]) == ("configured", {"k": "v", "mine": "1"})


def test_long_lists_come_in_pages(stage: Stage, server: Server, name: str) -> None:
    for number in range(5):
        stage.backend.create(config(stage, f"{name}-{number}", labels={"of": name}))
    call = Call("list", find_kind("cm"), stage.namespace)
    found, _ = list_all(server, call, selection({"of": name}), page="2")
    assert [name_of(obj) for obj in found] == [f"{name}-{number}" for number in range(5)]


def test_watch_goes_on_after_the_connection_broke(
    cluster: Cluster, stage: Stage, name: str, tmp_path: Path
) -> None:
    stage.backend.create(config(stage, f"{name}-0", labels={"of": name}))
    with (
        line_to(cluster.kubeconfig, tmp_path) as (line, kubeconfig),
        ClusterBackend(kubeconfig=kubeconfig) as backend,
    ):
        events = backend.watch("cm", stage.namespace, {"of": name}, timeout=LIMIT)
        seen = [next(events)]
        for number in (1, 2, 3):
            line.cut()
            stage.backend.create(config(stage, f"{name}-{number}", labels={"of": name}))
            seen.append(next(events))
        line.refuse(2)
        line.cut()
        stage.backend.delete("cm", f"{name}-0", stage.namespace)
        seen.append(next(events))
        events.close()  # type: ignore[attr-defined]
    assert _told(seen) == [
        *(("ADDED", f"{name}-{number}") for number in range(4)),
        ("DELETED", f"{name}-0"),
    ]


def test_watch_that_was_forgotten_tells_only_what_changed(
    stage: Stage, server: Server, name: str
) -> None:
    class Forgetful(Server):
        """Goes on from so long ago, once, that no server remembers."""

        forgotten = 0

        def stream(self, call: Call, query: Any = None, **options: Any) -> Any:
            if not self.forgotten:
                self.forgotten += 1
                query = {**query, "resourceVersion": "1"}
            return super().stream(call, query, **options)

    for each in "abc":
        stage.backend.create(config(stage, f"{name}-{each}", labels={"of": name}))
    forgetful = Forgetful(server.access)
    call = Call("watch", find_kind("cm"), stage.namespace)
    events = watch(forgetful, call, selection({"of": name}), timeout=LIMIT)
    assert _told([next(events) for _ in "abc"]) == [("ADDED", f"{name}-{each}") for each in "abc"]
    stage.backend.delete("cm", f"{name}-a", stage.namespace)
    stage.backend.patch("cm", f"{name}-b", stage.namespace, {"data": {"k": "new"}})
    stage.backend.create(config(stage, f"{name}-d", labels={"of": name}))
    assert _told([next(events) for _ in "abd"]) == [
        ("DELETED", f"{name}-a"),
        ("MODIFIED", f"{name}-b"),
        ("ADDED", f"{name}-d"),
    ]
    assert forgetful.forgotten == 1


def test_followed_log_repeats_no_line_after_the_connection_broke(
    cluster: Cluster, stage: Stage, name: str, image: str, tmp_path: Path
) -> None:
    script = "for n in $(seq 60); do echo line $n; sleep 0.1; done; echo end"
    stage.backend.create(task_run(stage, name, image, script))
    with (
        line_to(cluster.kubeconfig, tmp_path) as (line, kubeconfig),
        ClusterBackend(kubeconfig=kubeconfig) as backend,
    ):
        seen = []
        for text in backend.logs(name, stage.namespace, follow=True):
            seen.append(text)
            if text in ("line 5", "line 20", "line 40"):
                line.cut()
    assert seen == [*(f"line {number}" for number in range(1, 61)), "end"]


def test_logs_that_went_with_the_pod_are_told_so(
    cluster: Cluster, stage: Stage, name: str, image: str
) -> None:
    stage.backend.create(task_run(stage, name, image, "true"))
    pod = status_of(until_ended(stage, name))["podName"]
    cluster.kubectl("delete", "pod", pod, "-n", stage.namespace)
    for follow in (False, True):
        with pytest.raises(NotFound, match=f"went with its pod '{pod}'") as failure:
            list(stage.backend.logs(name, stage.namespace, follow=follow))
        assert f"mltk describe taskrun {name}" in str(failure.value.hint)


def test_events_tell_why_a_pod_does_not_start(
    stage: Stage, server: Server, name: str, image: str
) -> None:
    obj = task_run(stage, name, image, "true")
    obj["spec"]["podTemplate"]["nodeSelector"] = {"mltk.dev/none": "such"}
    stage.backend.create(obj)
    pod = {"fieldSelector": f"involvedObject.name={name}-pod"}
    call = Call("watch", EVENT, stage.namespace)
    seen = (event.obj["reason"] for event in watch(server, call, pod, timeout=LIMIT))
    assert "FailedScheduling" in seen
    now = next(
        event.obj
        for event in stage.backend.watch("tr", stage.namespace, name=name, timeout=LIMIT)
        if status_of(event.obj).get("podName")
    )
    found = [event for event in stage.backend.events(now) if event["reason"] == "FailedScheduling"]
    assert "didn't match Pod's node affinity/selector" in found[0]["message"]
    stage.backend.cancel(now, "TaskRunCancelled")
    assert reason(until_ended(stage, name)) == "TaskRunCancelled"


def _told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.type, name_of(event.obj)) for event in events]
