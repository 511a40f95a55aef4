"""Every case, played once on each engine at the same time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mltk.cluster.backend import ClusterBackend
from tests.cluster.conftest import cluster, delivered, image, installed, namespace, project
from tests.cluster.programs import Cluster
from tests.parity.cases import cases
from tests.parity.picture import Difference, differences
from tests.parity.play import Stage, local_stage

__all__ = ["cluster", "delivered", "image", "installed", "namespace", "project"]


@pytest.fixture(scope="session")
def theirs(cluster: Cluster) -> Iterator[Stage]:
    """Tekton in a namespace of its own. Any pod may run there: the image's user is root."""
    name = f"parity-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    with ClusterBackend(namespace=name, kubeconfig=cluster.kubeconfig) as backend:
        yield Stage(backend, name)
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def ours(theirs: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The embedded engine, with a namespace of the same name."""
    with local_stage(tmp_path_factory.mktemp("local"), theirs.namespace) as stage:
        yield stage


@pytest.fixture(scope="session")
def found(ours: Stage, theirs: Stage) -> dict[str, list[Difference]]:
    """How the two engines differ, by the name of the case."""
    with ThreadPoolExecutor(2) as pool:
        local, cluster = pool.map(lambda stage: stage.play_all(cases()), (ours, theirs))
    return {name: list(differences(local[name], cluster[name])) for name in local}
