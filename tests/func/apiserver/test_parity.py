"""Runs that clients make end as those that commands make: it is one engine."""

from __future__ import annotations

from pathlib import Path

from mltk.cluster import ClusterBackend
from tests.parity.cases import cases
from tests.parity.picture import Difference, differences
from tests.parity.play import Stage, local_stage

from .serving import Served

# Of each kind one: the server has no meaning of its own that a case could show.
PLAYED = {
    "cancel", "failing-finally", "matrix", "pending", "rejected-no-task", "results", "retries",
    "step-actions", "task-run-cancel", "when", "workspaces",
}  # fmt: skip
# Engines of different programs do not share a cache.
_OWN = "mltk.dev/cache-key"


def test_runs_end_alike(server: Served, tmp_path: Path) -> None:
    chosen = [case for case in cases() if case.name in PLAYED]
    assert len(chosen) == len(PLAYED)
    server.kubectl("create", "namespace", "lab")
    with ClusterBackend(namespace="lab", kubeconfig=server.kubeconfig) as backend:
        served = Stage(backend, "lab").play_all(chosen)
    with local_stage(tmp_path, "lab") as stage:
        own = stage.play_all(chosen)
    found: dict[str, list[Difference]] = {
        name: [each for each in differences(own[name], served[name]) if _OWN not in each.path]
        for name in own
    }
    assert {name: list(map(str, each)) for name, each in found.items() if each} == {}
