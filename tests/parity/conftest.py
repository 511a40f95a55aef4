"""Every case on each engine, and what differs."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mltk.cluster.backend import ClusterBackend
from tests.cluster.conftest import (
    cache_folder,
    cluster,
    delivered,
    image,
    installed,
    namespace,
    project,
)
from tests.cluster.programs import Cluster
from tests.parity.cases import cases
from tests.parity.memory import Memory
from tests.parity.picture import Difference
from tests.parity.play import Stage, local_stage
from tests.parity.stages import Stages

__all__ = ["cluster", "delivered", "image", "installed", "namespace", "project"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many runs to generate, from which number, and whether to ask Tekton again."""
    parser.addoption("--runs", type=int, default=12, help="generated runs to compare")
    parser.addoption("--number", type=int, default=1, help="what the generated runs follow from")
    parser.addoption(
        "--ask-again", action="store_true", help="ask Tekton also for what it has said before"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Play all cases in one worker: while some need other feature flags, none may see them."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("parity"))


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
def stages(ours: Stage, theirs: Stage, request: pytest.FixtureRequest) -> Stages:
    """Both engines, to play the same on."""
    folder = cache_folder() / "parity"
    if request.config.getoption("--ask-again"):
        shutil.rmtree(folder, ignore_errors=True)
    made = Stages(ours, theirs, Memory(folder))
    made.agree_on_settings()
    return made


@pytest.fixture(scope="session")
def found(stages: Stages) -> dict[str, list[Difference]]:
    """How the two engines differ, by the name of the case."""
    return stages.compare(cases())
