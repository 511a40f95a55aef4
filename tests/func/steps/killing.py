"""Kill a step before each thing that it changes, one after the other, and run it again.

A process that has imported what is slow forks for every attempt, as the embedded engine does.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mltk.steps import step

_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.copyfile"}
_CHANGES |= {"subprocess.Popen"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def survives(
    folder: Path,
    arguments: Sequence[str],
    watch: Callable[[Callable[[], None]], None] | None = None,
    stride: int = 1,
) -> int:
    """Run the step `arguments` on the workspace `folder`, killed at each change (of `stride`).

    Every attempt begins with the folder as it was; the step that follows the kill must end well.
    `watch` calls what it is given before each change, by default before each file is written. Gives
    the number of kills. The folder is left as the last repetition left it.
    """
    kept = folder.with_name(f"{folder.name}.kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept, symlinks=True)
    kills = 0
    while fork(arguments, watch or _files_below(folder), kills * stride) == -signal.SIGKILL:
        kills += 1
        assert fork(arguments) == 0, f"{arguments} failed after kill {kills}"
        shutil.rmtree(folder)
        shutil.copytree(kept, folder, symlinks=True)
    assert fork(arguments) == 0, f"{arguments} failed when it was repeated"
    return kills


def fork(
    arguments: Sequence[str],
    watch: Callable[[Callable[[], None]], None] | None = None,
    spared: int = 0,
) -> int:
    """Run the step in a process of its own; its exit code, negative for a signal."""
    child = os.fork()
    if not child:
        if watch:
            watch(_killer(spared))
        code = 1
        try:
            step(list(arguments), standalone_mode=False)
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _killer(spared: int) -> Callable[[], None]:
    left = [spared]

    def count() -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return count


def _files_below(folder: Path) -> Callable[[Callable[[], None]], None]:
    def watch(before_change: Callable[[], None]) -> None:
        def hook(event: str, about: tuple[object, ...]) -> None:
            if event == "open" and not (isinstance(about[2], int) and about[2] & _WRITING):
                return
            if (event == "open" or event in _CHANGES) and str(folder) in str(about):
                before_change()

        sys.addaudithook(hook)

    return watch
