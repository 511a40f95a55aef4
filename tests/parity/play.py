"""A case on one of the engines, from its first object to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from mltk.errors import MltkError
from mltk.local.backend import LocalBackend
from mltk.local.engine import Engine
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.tekton.api import Backend
from mltk.tekton.kinds import KINDS
from mltk.tekton.names import child_name
from mltk.tekton.objects import Obj, is_done, name_of, reason, status_of
from tests.parity.cases import Act, Case
from tests.parity.picture import picture

_AT_ONCE = 10  # more pods start no faster on two cores, and then a limit of time is over early
_RUNS = ("TaskRun", "PipelineRun", "CustomRun")
_LIMIT = 240.0  # seconds for one case, many times what it takes


@dataclass(frozen=True)
class Stage:
    """A backend, and what drives a run on it while the context is open."""

    backend: Backend
    namespace: str
    driving: Callable[[Obj], AbstractContextManager[object]] = nullcontext

    def play_all(self, cases: Sequence[Case]) -> dict[str, Obj]:
        """Pictures of how the runs ended, or of what was in the way, by the name of the case."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(self._played, cases)
            return {case.name: each for case, each in zip(cases, found, strict=True)}

    def _played(self, case: Case) -> Obj:
        try:
            return self.play(case)
        except (AssertionError, MltkError) as error:
            return {"notPlayed": f"{self.backend}: {error}"}

    def play(self, case: Case) -> Obj:
        """A picture of how the run ended."""
        for obj in case.given:
            self.create(obj)
        run = self.create(case.run)
        with self.driving(run):
            if case.act:
                self._act(case.act, run)
            run = self.ended(run)
            children = list(self._children(run))
        return picture(run, children)

    def ended(self, run: Obj) -> Obj:
        """The run at its end."""
        return self._wait(run["kind"], name_of(run), is_done)

    def _children(self, run: Obj) -> Iterator[Obj]:
        """All that a run made, and what that made, at its end."""
        mine = {"tekton.dev/pipelineRun": name_of(run)}
        for kind in (each.kind for each in KINDS if each.kind in _RUNS):
            for child in self.backend.list(kind, self.namespace, mine):
                if name_of(child) != name_of(run):
                    # Nobody runs a CustomRun here or there.
                    lasts = kind == "CustomRun"
                    yield child if lasts else self._wait(kind, name_of(child), is_done)
                    yield from self._children(child) if kind == "PipelineRun" else ()

    def create(self, obj: Obj) -> Obj:
        """Keep a new object of a case."""
        return self.backend.create(
            {**obj, "metadata": {**obj["metadata"], "namespace": self.namespace}}
        )

    def _act(self, act: Act, run: Obj) -> None:
        kind, name = run["kind"], name_of(run)
        task, _, step = act.once.partition("/")
        if step:
            task_run = child_name(name, f"-{task}") if task else name
            self._wait("TaskRun", task_run, lambda obj: _runs(obj, step))
        else:
            self._wait(kind, name, lambda obj: reason(obj) == act.once)
        self.backend.patch(kind, name, self.namespace, act.patch)

    def _wait(self, kind: str, name: str, met: Callable[[Obj], bool]) -> Obj:
        for event in self.backend.watch(kind, self.namespace, name=name, timeout=_LIMIT):
            if met(event.obj):
                return event.obj
            if is_done(event.obj):
                break
        raise AssertionError(f"{kind} {name}: {self.backend.get(kind, name, self.namespace)}")


@contextmanager
def local_stage(folder: Path, namespace: str) -> Iterator[Stage]:
    """The embedded engine with an empty store."""
    with (
        LocalBackend(folder / ".mltk") as backend,
        ProcessRuntime(isolation=Isolation.of(backend.layout)) as runtime,
    ):

        @contextmanager
        def driving(run: Obj) -> Iterator[None]:
            engine = Engine(backend.store, runtime, jobs=4, cache=False)
            with ThreadPoolExecutor(1) as pool:
                driven = pool.submit(engine.run, [name_of(run)], namespace, kind=run["kind"])
                yield
                driven.result()

        yield Stage(backend, namespace, driving)


def _runs(task_run: Obj, name: str) -> bool:
    """Whether it is the turn of the step; in a pod the containers of all steps run at once."""
    for step in status_of(task_run).get("steps") or ():
        if step["name"] == name:
            return "running" in step
        if "terminated" not in step:
            return False
    return False
