"""Every case, played once on each engine at the same time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from mltk.cluster.backend import ClusterBackend
from mltk.tekton.objects import Obj
from tests.cluster.conftest import cluster, delivered, image, installed, namespace, project
from tests.cluster.programs import Cluster
from tests.parity.cases import Case, cases
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


@dataclass(frozen=True)
class Stages:
    """Both engines."""

    ours: Stage
    theirs: Stage

    def play(self, cases: Sequence[Case]) -> tuple[dict[str, Obj], dict[str, Obj]]:
        """Pictures of how the runs ended, at the same time here and there."""
        with ThreadPoolExecutor(2) as pool:
            ours, theirs = pool.map(lambda stage: stage.play_all(cases), (self.ours, self.theirs))
        return ours, theirs


@pytest.fixture(scope="session")
def stages(ours: Stage, theirs: Stage) -> Stages:
    """Both engines, to play the same on."""
    return Stages(ours, theirs)


@pytest.fixture(scope="session")
def found(stages: Stages) -> dict[str, list[Difference]]:
    """How the two engines differ, by the name of the case."""
    local, cluster = stages.play(cases())
    return {name: list(differences(local[name], cluster[name])) for name in local}


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many runs to generate, and from which number."""
    parser.addoption("--runs", type=int, default=12, help="generated runs to compare")
    parser.addoption("--number", type=int, default=1, help="what the generated runs follow from")
