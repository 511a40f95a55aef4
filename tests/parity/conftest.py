"""Every case, played once on each engine at the same time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from mltk.cluster.backend import ClusterBackend
from mltk.errors import AdmissionError
from mltk.tekton.config import CONFIG_DEFAULTS, FEATURE_FLAGS, NAMESPACE, FeatureFlags
from mltk.tekton.kinds import TEKTON_V1
from mltk.tekton.objects import Obj, status_of
from tests.cluster.conftest import cluster, delivered, image, installed, namespace, project
from tests.cluster.node.waiting import until
from tests.cluster.programs import Cluster
from tests.parity.cases import Case, cases
from tests.parity.picture import Difference, differences
from tests.parity.play import Stage, local_stage

_NOTHING = {"steps": [{"image": "localhost/busybox:1", "script": "exit 0"}]}
_NEVER = [{"input": "a", "operator": "in", "values": ["b"]}]

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
        for name in (FEATURE_FLAGS, CONFIG_DEFAULTS):
            said = theirs.backend.get("ConfigMap", name, NAMESPACE)["data"]
            stage.backend.apply([_config_map(name, said)])
        yield stage


def _config_map(name: str, data: Mapping[str, str]) -> Obj:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


@dataclass(frozen=True)
class Stages:
    """Both engines, set to the same."""

    ours: Stage
    theirs: Stage

    @contextmanager
    def flags(self, wanted: Mapping[str, str]) -> Iterator[None]:
        """Tekton with other feature flags, here and there."""
        if not wanted:
            yield
            return
        before = self.theirs.backend.get("ConfigMap", FEATURE_FLAGS, NAMESPACE)["data"]
        flags = {**before, **wanted}
        self._set(flags)
        until(lambda: self._has_taken(flags), f"Tekton does not take {wanted}", seconds=60)
        yield
        self._set(before)

    def _set(self, flags: Mapping[str, str]) -> None:
        for stage in (self.ours, self.theirs):
            stage.backend.patch("ConfigMap", FEATURE_FLAGS, NAMESPACE, {"data": dict(flags)})

    def _has_taken(self, flags: Mapping[str, str]) -> bool:
        """Whether a run is taken by Tekton's webhook and tells these flags of the controller."""
        metadata = {"generateName": "flags-", "namespace": self.theirs.namespace}
        task = {"name": "skipped", "taskSpec": _NOTHING, "when": _NEVER}
        if flags.get("enable-cel-in-whenexpression") == "true":
            task["when"] = [{"cel": "false"}]
        spec = {"pipelineSpec": {"tasks": [task]}}
        probe = {"apiVersion": TEKTON_V1, "kind": "PipelineRun", "metadata": metadata, "spec": spec}
        try:
            run = self.theirs.ended(self.theirs.backend.create(probe))
        except AdmissionError:
            return False
        shown: Obj = status_of(run)["provenance"]["featureFlags"]
        return shown == FeatureFlags.read(flags).shown

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
    made: dict[str, list[Difference]] = {}
    for flags, group in groupby(sorted(cases(), key=_flags), _flags):
        with stages.flags(json.loads(flags)):
            local, cluster = stages.play(list(group))
        made |= {name: list(differences(local[name], cluster[name])) for name in local}
    return made


def _flags(case: Case) -> str:
    return json.dumps(case.flags, sort_keys=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Play all cases in one worker: while some need other feature flags, none may see them."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.own_markers = [each for each in item.own_markers if each.name != "xdist_group"]
            item.add_marker(pytest.mark.xdist_group("parity"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many runs to generate, and from which number."""
    parser.addoption("--runs", type=int, default=12, help="generated runs to compare")
    parser.addoption("--number", type=int, default=1, help="what the generated runs follow from")
