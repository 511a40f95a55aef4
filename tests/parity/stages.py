"""Both engines, set to the same, and cases played on them at the same time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

from mltk.errors import AdmissionError
from mltk.tekton.config import CONFIG_DEFAULTS, FEATURE_FLAGS, NAMESPACE, FeatureFlags
from mltk.tekton.kinds import TEKTON_V1
from mltk.tekton.objects import Obj, status_of
from tests.cluster.node.waiting import until
from tests.parity.allowed import surprises
from tests.parity.cases import Case
from tests.parity.memory import Memory
from tests.parity.picture import Difference, differences
from tests.parity.play import Stage

_NOTHING = {"steps": [{"image": "localhost/busybox:1", "script": "exit 0"}]}
_NEVER = [{"input": "a", "operator": "in", "values": ["b"]}]


@dataclass(frozen=True)
class Stages:
    """The embedded engine and Tekton, and what Tekton said before."""

    ours: Stage
    theirs: Stage
    memory: Memory

    def agree_on_settings(self) -> None:
        """Set the embedded engine as Tekton is installed."""
        for name in (FEATURE_FLAGS, CONFIG_DEFAULTS):
            said = self.theirs.backend.get("ConfigMap", name, NAMESPACE)["data"]
            metadata = {"name": name, "namespace": NAMESPACE}
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": said}
            self.ours.backend.apply([made])

    def compare(self, cases: Iterable[Case]) -> dict[str, list[Difference]]:
        """How the runs of the two differ, by the name of the case."""
        found: dict[str, list[Difference]] = {}
        for flags, group in groupby(sorted(cases, key=_flags), _flags):
            found |= self._compare(list(group), json.loads(flags))
        return found

    def _compare(
        self, cases: Sequence[Case], flags: Mapping[str, str]
    ) -> dict[str, list[Difference]]:
        known = {case.name: found for case in cases if (found := self.memory.recall(case))}
        asked = [case for case in cases if case.name not in known]
        with self._flags(flags, tekton=bool(asked)), ThreadPoolExecutor(2) as pool:
            ours = pool.submit(self.ours.play_all, cases)
            theirs = {**known, **pool.submit(self.theirs.play_all, asked).result()}
            mine = ours.result()
        found = {name: list(differences(mine[name], theirs[name])) for name in mine}
        for case in asked:
            if not surprises(case.name, found[case.name]):
                self.memory.keep(case, theirs[case.name])
        return found

    @contextmanager
    def _flags(self, wanted: Mapping[str, str], *, tekton: bool) -> Iterator[None]:
        """Both with other feature flags; Tekton only when it is to play."""
        if not wanted:
            yield
            return
        before = self.ours.backend.get("ConfigMap", FEATURE_FLAGS, NAMESPACE)["data"]
        stages = (self.ours, self.theirs) if tekton else (self.ours,)
        flags = {**before, **wanted}
        _set(stages, flags)
        try:
            if tekton:
                until(lambda: self._has_taken(flags), f"Tekton does not take {wanted}", seconds=60)
            yield
        finally:
            _set(stages, before)

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


def _set(stages: Iterable[Stage], flags: Mapping[str, str]) -> None:
    for stage in stages:
        stage.backend.patch("ConfigMap", FEATURE_FLAGS, NAMESPACE, {"data": dict(flags)})


def _flags(case: Case) -> str:
    return json.dumps(case.flags, sort_keys=True)
