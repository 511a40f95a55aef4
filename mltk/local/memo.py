"""Whether a TaskRun may be restored from the cache, and what it leaves there.

A Task asks for it by the annotation ``mltk.dev/cache``, with which its author says: same params,
same Tasks before it, same result (``"true"``), or: the params alone name all that the result
depends on (``"params"``).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from mltk.local.annotations import CACHE, CACHE_BELOW, CACHE_KEY, PARAMS, TRUE
from mltk.local.cache import Cache, Entry, cache_key
from mltk.local.snapshot import Difference, Look, difference, look, unchanged, young
from mltk.local.store import Store
from mltk.local.volumes import CLAIM
from mltk.tekton.attempts import StepState
from mltk.tekton.environment import Lookup
from mltk.tekton.objects import Obj, is_success, name_of, namespace_of, results
from mltk.tekton.resolved import ResolvedTask
from mltk.tekton.substitution import Variables, text
from mltk.tekton.taskrun import bindings
from mltk.tekton.verdicts import TaskRunRejected
from mltk.tekton.volumes import OF_FILES, references
from mltk.tekton.workspaces import VOLUME_PREFIX


def promise(annotations: Mapping[str, str]) -> str | None:
    """Return what a Task promises of its result, None when it promises nothing.

    Raises TaskRunRejected for a promise that is not known.
    """
    found = annotations.get(CACHE)
    if found not in (None, TRUE, PARAMS):
        raise TaskRunRejected(
            "TaskRunValidationFailed",
            f'annotation {CACHE} is "{found}": write "{TRUE}" or "{PARAMS}", or leave it out',
        )
    return found


def place_below(annotations: Mapping[str, str], task_run: Obj) -> str:
    """Return the path below its workspaces that alone a Task changes; empty for all of them.

    Raises TaskRunRejected for a path that leads elsewhere.
    """
    pattern = annotations.get(CACHE_BELOW, "")
    params = {each["name"]: each["value"] for each in task_run["spec"].get("params") or ()}
    known = {f"params.{name}": each for name, each in params.items() if isinstance(each, str)}
    found = text(pattern, Variables(known))
    parts = PurePosixPath(found).parts
    if pattern and (not parts or found.startswith("/") or ".." in parts or "$(" in found):
        raise TaskRunRejected(
            "TaskRunValidationFailed",
            f'annotation {CACHE_BELOW} is "{found}": write a path below the workspace',
        )
    return "/".join(parts)


def narrowed(folders: Mapping[str, Path], below: str) -> dict[str, Path] | None:
    """Return the folders of that path in each workspace; None where a link leads there.

    One that is not there is the TaskRun's to make, whose user may be another one than this.
    """
    steps = PurePosixPath(below).parts
    for folder in folders.values():
        above = [folder.joinpath(*steps[: count + 1]) for count in range(len(steps))]
        if any(each.is_symlink() for each in above):
            return None
    return {name: folder / below for name, folder in folders.items()}


def input_key(
    task_run: Obj,
    task_spec: Obj,
    task: ResolvedTask,
    lookup: Lookup,
    *,
    environment: str,
    before: Sequence[str] | None,
) -> str:
    """Return the key of all that goes into a TaskRun.

    `before` are the `outcome`s before it, None when its params name all that it takes from them.
    """
    spec = task_run["spec"]
    places = [
        {key: value for key, value in binding.items() if key != CLAIM}
        for binding in bindings(task_run, task_spec)
    ]
    return cache_key(
        {
            "task": task_spec,
            "params": spec.get("params") or [],
            "workspaces": places,
            "sources": _sources(task, lookup),
            "environment": environment,
            "before": None if before is None else sorted(before),
        }
    )


def outcome(task_run: Obj) -> str:
    """Return what a TaskRun that is done means for the keys of those after it."""
    annotations = task_run["metadata"].get("annotations") or {}
    return cache_key(
        {
            "key": annotations.get(CACHE_KEY, name_of(task_run)),
            "success": is_success(task_run),
            "results": results(task_run),
        }
    )


def _sources(task: ResolvedTask, lookup: Lookup) -> list[str]:
    refs = {(source.kind, source.name) for step in task.steps for source in step.env_from}
    refs |= {
        (variable.source.kind, variable.source.name)
        for step in task.steps
        for variable in step.env
        if variable.source
    }
    refs |= {ref for source in task.volumes.values() for ref in references(source)}
    return [cache_key({"ref": ref, "holds": lookup(*ref)}) for ref in sorted(refs)]


@dataclass(eq=False)
class Use:
    """That a TaskRun writes to claims, only below a path where it has parts; `alone` so far."""

    claims: frozenset[str]
    below: tuple[str, ...]
    alone: bool = True

    def is_met_by(self, other: Use) -> bool:
        """Whether the other one may write where this one does."""
        if not self.claims & other.claims or (self.below and not other.below):
            return False
        common = min(len(self.below), len(other.below))
        return self.below[:common] == other.below[:common]


class ClaimUse:
    """Which claims TaskRuns write to at the same time: what they change cannot be told apart.

    One that writes only `below` a path is told apart from all that write below others, of which
    neither lies within the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: set[Use] = set()

    def enter(self, claims: Collection[str], below: str = "") -> Use:
        """Begin to use claims; what is returned goes to `leave`."""
        use = Use(frozenset(claims), PurePosixPath(below).parts)
        with self._lock:
            for other in self._active:
                use.alone = use.alone and not use.is_met_by(other)
                other.alone = other.alone and not other.is_met_by(use)
            self._active.add(use)
        return use

    def leave(self, use: Use) -> bool:
        """End the use; return whether no one else used the claims, or what is below, meanwhile."""
        with self._lock:
            self._active.remove(use)
            return use.alone


@dataclass
class Memo:
    """The cache as one TaskRun sees it. `folders` are its writable workspaces on claims.

    They may be narrowed to a path `below`; folders of it that have to be made to bring files back
    are given to `share`, which lets in the users of the TaskRuns that come after.
    """

    cache: Cache
    key: str
    folders: Mapping[str, Path]
    below: str = ""
    share: Callable[[Path], object] = lambda _: None
    _looks: dict[str, Look] = field(default_factory=dict)
    _young: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _began: int = 0

    def restore(self, draft: Path, *, at_most: float = math.inf) -> Entry | None:
        """Bring back what an earlier TaskRun of this key left, None when there is nothing.

        Of files there may be no more than `at_most` bytes.
        """
        entry = self.cache.find(self.key)
        if entry is None or entry.size > at_most:
            return None
        with suppress(OSError):
            self._make_folders()
            if self.cache.restore(self.key, entry, self.folders, draft):
                return entry
        return None

    def _make_folders(self) -> None:
        count = len(PurePosixPath(self.below).parts)
        for folder in self.folders.values():
            for place in reversed([folder, *folder.parents][:count]):
                if not place.is_dir():
                    place.mkdir(exist_ok=True)
                    self.share(place)

    def begin(self) -> None:
        """Look at the workspaces before the first step."""
        self._began = time.time_ns()
        with suppress(OSError):  # then `save` has nothing to compare with
            for name, folder in self.folders.items():
                seen = _look(folder)
                self._young[name] = young(folder, seen, self._began)
                self._looks[name] = seen

    def save(self, task_run: Obj, states: Sequence[StepState], results: Sequence[Obj]) -> None:
        """Keep a TaskRun that succeeded; what cannot be kept is not, and no one fails for it."""
        if not all(map(_is_harmless, states)):
            return
        try:
            changes = {name: self._difference(name, path) for name, path in self.folders.items()}
        except (OSError, KeyError):
            return
        steps = [
            [
                state.name,
                state.exit_code,
                state.on_error,
                state.ended_by,
                state.results,
                state.artifacts,
            ]
            for state in states
        ]
        status = {"steps": steps, "results": list(results)}
        self.cache.save(self.key, name_of(task_run), status, self.folders, changes)

    def _difference(self, name: str, folder: Path) -> Difference:
        before, after = self._looks[name], _look(folder)
        held = unchanged(folder, self._young[name], before, after)
        return difference(before, after, self._began, held)


def _look(folder: Path) -> Look:
    """Look at a folder that the TaskRun may have to make."""
    return look(folder) if folder.exists() else {}


def recalled_states(entry: Entry, now: datetime) -> list[StepState]:
    """Return the steps of the TaskRun that an entry keeps, as if they had run just now."""
    return [_recalled(now, *step) for step in entry.status["steps"]]


def _recalled(
    now: datetime,
    name: str,
    code: int,
    on_error: str,
    # Entries of an earlier version have none of these.
    ended_by: Literal["itself", "when"] = "itself",
    results: Sequence[Obj] = (),
    artifacts: Obj | None = None,
) -> StepState:
    told = tuple(results), artifacts or {}
    return StepState(name, now, now, code, on_error, ended_by, *told)


def writable(task_run: Obj, task_spec: Obj, workspaces: Mapping[str, Path]) -> dict[str, Path]:
    """Return the workspaces whose files outlive the TaskRun and that it may change."""
    read_only = {w["name"] for w in task_spec.get("workspaces") or () if w.get("readOnly")}
    return {
        binding["name"]: workspaces[binding["name"]]
        for binding in task_run["spec"].get("workspaces") or ()
        if CLAIM in binding and binding["name"] not in read_only
    }


def is_private(task_run: Obj, run_uid: str, store: Store) -> bool:
    """Whether nothing but the TaskRuns of its PipelineRun ever wrote to its workspaces."""
    for binding in task_run["spec"].get("workspaces") or ():
        if CLAIM in binding:
            name, namespace = binding[CLAIM]["claimName"], namespace_of(task_run)
            if not run_uid or not store.is_owned(CLAIM, name, namespace, run_uid):
                return False
        elif not {"emptyDir", *OF_FILES} & binding.keys():
            return False
    return True


def outlive(volumes: Mapping[str, Obj]) -> bool:
    """Whether a pod changes what is there after it, besides its workspaces."""
    return any(
        "hostPath" in source or (CLAIM in source and not name.startswith(VOLUME_PREFIX))
        for name, source in volumes.items()
    )


def _is_harmless(state: StepState) -> bool:
    if state.ended_by == "when":
        return True
    return state.ended_by == "itself" and (not state.exit_code or state.on_error == "continue")
