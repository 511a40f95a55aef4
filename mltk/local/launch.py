"""A resolved step -> the process to start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from mltk.local.isolation import TEMPORARY
from mltk.local.podvolumes import PodVolumes
from mltk.local.rootfs import Bind
from mltk.local.runtime import Image, Launch
from mltk.local.workfolders import WorkFolders
from mltk.tekton import pod, when
from mltk.tekton.artifacts import replace as replace_artifacts
from mltk.tekton.environment import environment, expand_env
from mltk.tekton.objects import Obj
from mltk.tekton.resolved import ResolvedStep
from mltk.tekton.stepresults import replace
from mltk.tekton.volumes import Surroundings

_PREAMBLE = "#!/bin/sh\nset -e\n"  # tektoncd/pipeline, pkg/pod/script.go


def launch(
    step: ResolvedStep,
    work: WorkFolders,
    log: Path,
    around: Surroundings,
    volumes: PodVolumes | None,
    image: Callable[[str, str], Image],
) -> Launch | None:
    """Return the process of a step, None when its `when` does not let it start.

    Its script is written, its folders are made. Without `volumes` it sees the machine's paths.
    Raises TaskRunRejected when its environment or its command is not to be had, OutOfRange when it
    names an element of a result that is not there.
    """
    own = partial(around.pod.read, container=step.container)
    env = environment(step.env_from, step.env, around.lookup, own)
    told = [expand_env(each, env) for each in (*step.command, *step.args)]
    if step.script is None and not step.command:
        told = list(image(step.image, step.pull_policy).argv(tuple(told)))
    start = replace(env, [_expanded(each, env) for each in step.when], told, work.result)
    if start.problem:
        note(log, f"Error while substituting step results: {start.problem}")
    if not when.allows(start.when):
        return None
    # As in Tekton, a script with args keeps what it says of artifacts.
    script = None if step.args else step.script
    found = replace_artifacts(script, start.command, start.env, work.artifacts_of)
    if found.problem:
        note(log, f"Error while substituting step artifacts: {found.problem}")
    command = found.command
    if step.script is not None:
        seen = None if volumes is None else pod.SCRIPTS
        command = _script(step.log, found.script or step.script, work, seen) + command
    if volumes is None:
        folder = work.workspace / (step.working_dir or "")
        folder.mkdir(parents=True, exist_ok=True)
        return Launch(
            command,
            found.env,
            folder,
            log,
            entrypoint=not step.sidecar,
            resources=step.resources,
            security=step.security,
        )
    temporary = str(work.temporary(step.log))
    binds = [Bind(temporary, path) for path in TEMPORARY] + volumes.binds(step.mounts, env)
    # Without a folder a container starts in that of its image; a relative one is below /workspace.
    cwd = Path(pod.WORKSPACE, step.working_dir) if step.working_dir else None
    return Launch(
        command,
        found.env,
        cwd,
        log,
        tuple(binds),
        entrypoint=not step.sidecar,
        image=step.image,
        resources=step.resources,
        security=step.security,
    )


def note(log: Path, line: str) -> None:
    """Add a line of the engine's own to the log of a step."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"mltk: {line}\n")


def _expanded(guard: Obj, env: Mapping[str, str]) -> Obj:
    """A `when`, which Tekton hands to the step among its args, so that Kubernetes expands it."""
    made = {key: expand_env(found, env) for key, found in guard.items() if isinstance(found, str)}
    return {**made, "values": [expand_env(each, env) for each in guard.get("values") or ()]}


def _script(name: str, script: str, work: WorkFolders, folder: str | None) -> tuple[str, ...]:
    """Write the script and name its interpreter, as execve(2) reads the first line.

    `folder` is where the step sees it, if that is another place.

    It is not executed as a file: another thread that forks meanwhile would hold it open for
    writing, and the kernel then refuses (golang/go#22315).
    """
    if not script.startswith("#!"):
        script = _PREAMBLE + script
    path = work.scripts / name
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    interpreter = script.partition("\n")[0][2:].strip().split(None, 1)
    seen = path if folder is None else Path(folder, name)
    return (*(part.strip() for part in interpreter), str(seen))
