"""What the containers of an attempt stand on: folders, volumes, credentials, facts of a pod."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mltk.local import credentials
from mltk.local.context import Context, Job
from mltk.local.launch import launch, note
from mltk.local.podvolumes import PodVolumes, shared
from mltk.local.runtime import Launch, NoImage
from mltk.local.sources import lookup
from mltk.local.volumes import bind, ensure_volumes, fill
from mltk.local.workfolders import WorkFolders
from mltk.tekton.config import FeatureFlags
from mltk.tekton.objects import Obj, name_of, namespace_of
from mltk.tekton.pod import facts
from mltk.tekton.resolved import ResolvedStep, ResolvedTask
from mltk.tekton.security import ROOT
from mltk.tekton.verdicts import TaskRunRejected
from mltk.tekton.volumes import Surroundings


class Ground:
    """Laid anew for each attempt of a TaskRun, whose files lie in `work`."""

    def __init__(self, job: Job, context: Context, work: WorkFolders, flags: FeatureFlags) -> None:
        self._job = job
        self._context = context
        self._work = work
        self._flags = flags
        self.lookup = lookup(context.store, namespace_of(job.task_run))
        self._around = Surroundings(self.lookup)
        self._volumes: PodVolumes | None = None
        self._credentials: Mapping[str, str] = {}

    def lay(self, run: Obj, task: ResolvedTask, pod: str) -> None:
        """Make all that is there before the first container of a pod starts.

        Raises TaskRunRejected for images, users and volumes that are not to be had.
        """
        context, containers = self._context, task.containers
        runtime, layout = context.runtime, context.layout
        others = self._has_others(containers)
        self._work.create([step.name for step in task.steps], open_to_all=others)
        layout.logs(run).mkdir(parents=True, exist_ok=True)
        self._check_images(run, containers)
        self._check_users(run, containers, pod)
        resources = {each.container: each.resources for each in containers}
        own = facts(run, self._job.metadata, pod, resources)
        self._around = around = Surroundings(self.lookup, own)
        self._credentials = credentials.gather(run, context.store, self._flags)
        owners = [self._owner(step) for step in task.steps]
        credentials.write(self._credentials, self._work, owners, runtime)
        self._volumes = None
        if runtime.real_paths:
            ensure_volumes(run, task.volumes, context.store)
            self._volumes = PodVolumes(
                task.volumes,
                self._work,
                namespace_of(run),
                layout,
                around,
                others,
                containers[0].security.fs_group,
            )
            self._volumes.make(mount for each in containers for mount in each.mounts)
        else:
            spec = self._job.task_spec
            fill(run, spec, bind(run, spec, layout), around)

    def share(self, folder: Path, task: ResolvedTask) -> None:
        """Let the containers of a task write to a folder as they may to its volumes."""
        if self._context.runtime.real_paths:
            group = task.containers[0].security.fs_group
            shared(folder, group, open_to_all=self._has_others(task.containers))

    def _has_others(self, containers: Sequence[ResolvedStep]) -> bool:
        return any(self._context.runtime.is_other(each.security) for each in containers)

    def launch(self, step: ResolvedStep, log: Path) -> Launch | None:
        """Return how a container starts, None when its `when` does not let it; see `launch`.

        Its log names the fields to which it cannot be kept.
        """
        runtime = self._context.runtime
        found = launch(step, self._work, log, self._around, self._volumes, runtime.image)
        if found is None:
            return None
        files = (step.stdout_path, step.stderr_path)
        made = replace(found, files=files, log_bytes=self._context.log_bytes)
        for field in runtime.unkept(made):
            note(log, f"{field} is not kept on this machine")
        if step.sidecar or not self._credentials:
            return made
        return credentials.equipped(made, self._work, runtime)

    def _owner(self, step: ResolvedStep) -> int | None:
        """Whom the files of a step can be given to; None when that is nobody."""
        runtime, asked = self._context.runtime, step.security
        if not runtime.is_other(asked):
            return os.geteuid()
        user = runtime.user(step.image) if asked.user is None else asked.user
        return user if os.geteuid() == ROOT else None

    def _check_images(self, run: Obj, containers: Sequence[ResolvedStep]) -> None:
        """Refuse, before the first step, what needs an image that is not to be had."""
        runtime = self._context.runtime
        for each in containers:
            if not runtime.uses_images and (each.script is not None or each.command):
                continue
            try:
                runtime.image(each.image, each.pull_policy)
            except NoImage as error:
                if not runtime.uses_images:
                    why = f'container "{each.container}" has no command: {error}'
                    raise TaskRunRejected("TaskRunValidationFailed", why) from None
                kind = "sidecar" if each.sidecar else "step"
                raise TaskRunRejected(
                    "TaskRunImagePullFailed",
                    f'the {kind} "{each.name}" in TaskRun "{name_of(run)}" failed to pull the'
                    f' image "{each.image}". The pod errored with the message: "{error}."',
                ) from None

    def _check_users(self, run: Obj, containers: Sequence[ResolvedStep], pod: str) -> None:
        """Refuse, before the first step, one that must not be root and would be."""
        for each in (each for each in containers if each.security.non_root):
            if why := each.security.refusal(self._context.runtime.user(each.image)):
                where = f'pod: "{pod}_{namespace_of(run)}", container: {each.container}'
                raise TaskRunRejected("CreateContainerConfigError", f"{why} ({where})")
