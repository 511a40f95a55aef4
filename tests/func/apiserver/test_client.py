"""mltk's own client of a cluster, and the `kubernetes` package, on a laptop: one code path."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from mltk.cluster import ClusterBackend
from mltk.errors import Conflict
from tests.cluster.test_backend import (
    test_apply_changes_what_was_created,
    test_apply_creates_changes_and_leaves_alone,
    test_apply_does_all_or_nothing,
    test_apply_takes_the_namespace_that_is_meant,
    test_deleted_object_is_gone,
    test_followed_logs_come_as_they_are_written,
    test_followed_step_ends_before_its_run,
    test_generated_names_are_new,
    test_lists_are_selected_by_label,
    test_logs_are_of_the_last_attempt,
    test_logs_of_a_run_that_has_ended,
    test_merge_patch_of_rfc_7386,
    test_missing_object_names_the_command_that_lists,
    test_name_can_be_had_once,
    test_new_object_gets_what_kubernetes_gives_it,
    test_run_that_goes_on_is_cancelled_before_it_is_deleted,
    test_selector_that_is_none_is_refused_by_both,
    test_unknown_kind_is_refused_by_both,
    test_watch_of_one_object_ends_when_time_is_up,
    test_watch_tells_what_is_there_and_what_changes,
    test_what_is_applied_no_longer_goes,
    test_what_tekton_refuses_is_named_with_its_path,
)
from tests.parity.play import Stage

from .objects import config
from .serving import MLTK, Served

__all__ = [
    "test_apply_changes_what_was_created",
    "test_apply_creates_changes_and_leaves_alone",
    "test_apply_does_all_or_nothing",
    "test_apply_takes_the_namespace_that_is_meant",
    "test_deleted_object_is_gone",
    "test_followed_logs_come_as_they_are_written",
    "test_followed_step_ends_before_its_run",
    "test_generated_names_are_new",
    "test_lists_are_selected_by_label",
    "test_logs_are_of_the_last_attempt",
    "test_logs_of_a_run_that_has_ended",
    "test_merge_patch_of_rfc_7386",
    "test_missing_object_names_the_command_that_lists",
    "test_name_can_be_had_once",
    "test_new_object_gets_what_kubernetes_gives_it",
    "test_run_that_goes_on_is_cancelled_before_it_is_deleted",
    "test_selector_that_is_none_is_refused_by_both",
    "test_unknown_kind_is_refused_by_both",
    "test_watch_of_one_object_ends_when_time_is_up",
    "test_watch_tells_what_is_there_and_what_changes",
    "test_what_is_applied_no_longer_goes",
    "test_what_tekton_refuses_is_named_with_its_path",
]


@pytest.fixture
def stage(server: Served) -> Iterator[Stage]:
    """The client of a cluster, which finds the server by its kubeconfig."""
    with ClusterBackend(namespace="default", kubeconfig=server.kubeconfig) as backend:
        yield Stage(backend, "default")


@pytest.fixture
def image() -> str:
    """An image of which nothing is used."""
    return "none"


def test_field_of_another_manager_is_named(stage: Stage, server: Served, name: str) -> None:
    server.kubectl("create", "configmap", name, "--from-literal=k=other")
    with pytest.raises(Conflict, match=r"kubectl-create set data.k of ConfigMap"):
        stage.backend.apply([config(name, namespace="default")])


def test_commands_work_on_the_server_as_on_a_cluster(server: Served, name: str) -> None:
    server.kubectl("create", "configmap", name, "--from-literal=k=v")
    done = subprocess.run(
        [MLTK, "get", "cm", name, "--on", "cluster", "-o", "name"],
        env={"KUBECONFIG": str(server.kubeconfig), "HOME": str(server.folder), "PATH": "/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, f"configmap/{name}\n"), done.stderr


def test_commands_of_the_folder_see_what_clients_made(server: Served, name: str) -> None:
    server.kubectl("create", "configmap", name, "--from-literal=k=v")
    shown = yaml.safe_load(_mltk(server, "get", "cm", name, "-o", "yaml"))
    assert shown["data"] == {"k": "v"}
    assert "managedFields" not in shown["metadata"]
    file = server.folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(config(name, {"k": "v"})), encoding="utf-8")
    assert _mltk(server, "apply", "-f", str(file)) == f"configmap/{name} unchanged\n"


def _mltk(server: Served, *words: str) -> str:
    done = subprocess.run(
        [MLTK, *words], cwd=server.folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_package_of_kubernetes(server: Served) -> None:
    import kubernetes

    api = kubernetes.config.new_client_from_config(str(server.kubeconfig))
    core, custom = kubernetes.client.CoreV1Api(api), kubernetes.client.CustomObjectsApi(api)
    name = f"t-{secrets.token_hex(3)}"
    core.create_namespaced_config_map("default", config(name))
    found = core.read_namespaced_config_map(name, "default")
    assert found.data == {"k": "v"}
    watch = kubernetes.watch.Watch()
    events: list[Any] = list(
        watch.stream(
            core.list_namespaced_config_map, "default", field_selector=f"metadata.name={name}",
            timeout_seconds=1,
        )
    )  # fmt: skip
    assert [event["type"] for event in events] == ["ADDED"]
    runs = custom.list_namespaced_custom_object("tekton.dev", "v1", "default", "pipelineruns")
    assert runs["kind"] == "PipelineRunList"
    core.delete_namespaced_config_map(name, "default")
    with pytest.raises(kubernetes.client.ApiException) as failure:
        core.read_namespaced_config_map(name, "default")
    assert failure.value.status == 404
    api.close()
