"""What `mltk doctor` asks of an API server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mltk.cli.cluster_examination import examine_cluster
from mltk.cli.where import Where
from mltk.cluster.call import Call
from mltk.cluster.examination import Examination
from mltk.cluster.server import Server
from mltk.errors import InfrastructureError
from mltk.tekton.objects import Obj


class Answers:
    """A server that allows what `allowed` names, and knows nothing else."""

    access = SimpleNamespace(context="in-cluster", url="https://10.0.0.1")

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def send(self, call: Call, *, body: Obj | None = None) -> Obj:
        if body is None:
            raise InfrastructureError(f"no {call.resource}")
        asked = body["spec"]["resourceAttributes"]
        return {"status": {"allowed": f"{asked['verb']} {asked['resource']}" in self.allowed}}


def test_what_the_commands_do_and_may_not_do() -> None:
    allowed = [f"{verb} pipelineruns" for verb in ("get", "list", "watch", "create", "patch")]
    lacking = Examination(cast(Server, Answers(*allowed))).lacking("ml", "mltk")
    assert "create pipelineruns" not in " ".join(lacking)
    asked = ("create", "patch", "delete")
    assert {f"{verb} taskruns.tekton.dev" for verb in asked} <= set(lacking)
    assert {"get pods", "list pods", "watch pods", "get pods/log"} <= set(lacking)


def test_a_pod_has_no_kubeconfig_whose_context_could_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend: Any = SimpleNamespace(server=Answers())
    place = SimpleNamespace(backend=backend, namespace="ml")
    monkeypatch.setattr("mltk.cli.cluster_examination.open_place", lambda *_: place)
    cluster, kubernetes = examine_cluster(Where(cluster=True), None)
    assert cluster.state == "ok"
    assert "context in-cluster, namespace ml" in str(cluster)
    assert kubernetes.what == "kubernetes"
