"""The steps of one attempt, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from mltk.local.ground import Ground
from mltk.local.launch import note
from mltk.local.ownership import MARK
from mltk.local.runtime import Launch, Pod, RunningStep
from mltk.local.stopping import Stopper
from mltk.local.workfolders import WorkFolders, read_file
from mltk.tekton import artifacts, attempts
from mltk.tekton.attempts import StepState
from mltk.tekton.cel import CelError
from mltk.tekton.config import FeatureFlags
from mltk.tekton.objects import Obj
from mltk.tekton.resolved import ResolvedStep, ResolvedTask
from mltk.tekton.results import TOO_LARGE, ResultSpec, logged, step_results, task_values, told
from mltk.tekton.stepresults import OutOfRange
from mltk.tekton.substitution import Value

# Tekton's entrypoint says so in these words.
NOT_ALLOWED = "Step was skipped due to when expressions were evaluated to false."
_BROKE_OFF = 2  # exit code of a program in Go that panics
_NOT_ITS_OWN = 1  # exit code of a step that Tekton's entrypoint, not the command, ends
_BITS = 0xFF  # those of an exit code that a process can end with


class Outcome(NamedTuple):
    """How the steps stand, the results of the Task by name, and which result was too long."""

    states: Sequence[StepState]
    values: Mapping[str, Value]
    too_long: str


@dataclass
class Steps:
    """Runs the steps of an attempt on its `ground`, as long as the `stopper` lets it.

    `note_running` is told of each process, with the status of the TaskRun as it then is.
    """

    ground: Ground
    work: WorkFolders
    logs: Path
    stopper: Stopper
    flags: FeatureFlags
    clock: Callable[[], datetime]
    uid: str
    note_running: Callable[[RunningStep, Obj], None]
    _too_long: str = field(default="", init=False)

    def run(self, pod: Pod, task: ResolvedTask, status: Obj) -> Outcome:
        """Run them until one fails or the attempt is to end."""
        states = [StepState(step.name, on_error=step.on_error) for step in task.steps]
        values: dict[str, Value] = {}
        for index, step in enumerate(task.steps):
            if self.stopper.cause:
                break
            states[index] = done = self._run_step(pod, index, step, states, status)
            if done.exit_code is None:
                break
            self.work.record_exit(step, done.exit_code)
            if done.ended_by != "when":
                states[index] = self._with_results(done, index, step, task.results, values)
            if done.failed:
                states[index + 1 :] = [_skipped(state, done) for state in states[index + 1 :]]
                break
        return Outcome(states, values, self._too_long)

    def _with_results(
        self,
        done: StepState,
        index: int,
        step: ResolvedStep,
        specs: Sequence[ResultSpec],
        values: dict[str, Value],
    ) -> StepState:
        """The step with what it told; results of the Task go to `values`."""
        files = self.work
        own, shared = files.artifacts_of(step.name), files.artifacts
        results = (
            _read_results(files.results, [spec for spec in specs if spec.step is None]),
            _read_results(files.results_of(step.name), step.results),
        )
        flags = self.flags
        if flags.results_from == "sidecar-logs":
            message, why = logged(step.name, *results, flags.max_result_size)
            self._too_long = self._too_long or why
        else:
            more = artifacts.entries(index, own, shared)
            message = told(*results, more, compressed=flags.compression)
        found = step_results(step.results, message.of_step)
        values |= task_values(specs, step.name, message.of_task, found)
        if message.too_large:
            # As in Tekton this fails the step when the next one has been let go already.
            self._log(step, TOO_LARGE)
            done = replace(done, exit_code=_NOT_ITS_OWN, on_error="stopAndFail")
            return replace(done, results=found)
        return replace(done, results=found, artifacts=artifacts.told_by(own, shared))

    def _run_step(
        self, pod: Pod, index: int, step: ResolvedStep, states: list[StepState], status: Obj
    ) -> StepState:
        log = self.logs / f"{step.name}.log"
        now = self.clock()
        unstarted = replace(states[index], started_at=now, finished_at=now)
        try:
            command = self.ground.launch(step, log)
        except CelError as error:
            self._log(step, str(error))
            return replace(unstarted, exit_code=_NOT_ITS_OWN, on_error="stopAndFail")
        except OutOfRange as error:
            self._log(step, str(error))
            return replace(unstarted, exit_code=_BROKE_OFF, on_error="stopAndFail")
        if command is None:
            self._log(step, NOT_ALLOWED)
            return replace(unstarted, exit_code=0, ended_by="when")
        process = pod.start(marked(command, self.uid), self.stopper.stopped)
        begun = replace(states[index], started_at=self.clock())
        states[index] = begun
        try:
            self.stopper.watch(process, step.timeout)
            self.note_running(process, attempts.running(status, states, self.clock()))
        except BaseException:
            process.stop(0)
            process.wait()
            raise
        code = process.wait()
        if begun.on_error != "continue":
            # A step that goes on is told by what was found, another one by how its container ends.
            code &= _BITS
        ended_by = self.stopper.release()
        if ended_by == "cancel":
            return begun  # its end is told with that of the TaskRun
        now = self.clock()
        ended = replace(
            begun,
            finished_at=now,
            exit_code=code,
            ended_by=ended_by,
            oom_killed=process.oom_killed,
        )
        if ended_by == "timeout":
            return replace(ended, exit_code=_NOT_ITS_OWN)
        if process.unstarted:
            return replace(ended, exit_code=_NOT_ITS_OWN, on_error="stopAndFail")
        return ended

    def _log(self, step: ResolvedStep, line: str) -> None:
        note(self.logs / f"{step.name}.log", line)


def marked(command: Launch, uid: str) -> Launch:
    """With what the process is known by, should the engine of the TaskRun be killed."""
    return replace(command, variables={**command.variables, MARK: uid})


def _skipped(state: StepState, after: StepState) -> StepState:
    moment = after.finished_at
    return replace(state, started_at=moment, finished_at=moment, exit_code=1, ended_by="skipped")


def _read_results(folder: Path, specs: Sequence[ResultSpec]) -> dict[str, str]:
    found = {spec.name: read_file(folder / spec.name) for spec in specs}
    return {name: text for name, text in found.items() if text is not None}
