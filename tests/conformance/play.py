"""One example on an engine of its own, in a process of its own: prints how it ended, as JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from mltk.errors import AdmissionError, MltkError
from mltk.local import namespaces
from mltk.local.backend import LocalBackend
from mltk.local.containers import ContainerRuntime, find_engine
from mltk.local.engine import Engine
from mltk.local.isolation import Isolation
from mltk.local.process import ProcessRuntime
from mltk.local.rootfs import Bind
from mltk.tekton.manifest import parse
from mltk.tekton.objects import Obj, is_done, is_success, message, name_of, namespace_of, reason
from mltk.tekton.pod import HOME
from tests.busybox import Missing
from tests.conformance.examples import Example
from tests.conformance.images import local_images
from tests.conformance.needs import BUSYBOX, IN_CONTAINERS, obstacle, wants_busybox
from tests.conformance.net import Net, local_net
from tests.conformance.parts import parts
from tests.conformance.prepared import prepared
from tests.conformance.registry import hosts_file, registry


@dataclass(frozen=True)
class Outcome:
    """How an example ended, and what is said of it."""

    name: str
    result: Literal["passed", "failed", "not runnable"]
    why: str = ""
    seconds: float = 0.0


def play(example: Example, folder: Path) -> Outcome:
    """Make the objects of an example, in their order, and drive its first run, in a folder."""
    try:
        text = example.path.read_text("utf-8")
        objs = [each.obj for each in parse(text, example.path.name)]
    except AdmissionError as error:
        return Outcome(example.name, "failed", str(error))
    if why := obstacle(example.name, objs):
        return Outcome(example.name, "not runnable", why)
    if not any(obj["kind"] == example.kind for obj in objs):
        return Outcome(example.name, "not runnable", f"holds no {example.kind}")
    if example.name not in IN_CONTAINERS:
        return _played(example, objs, text, folder)
    try:
        with local_images(objs, find_engine()) as mapped:
            return _played(example, mapped, text, folder)
    except Missing as error:
        return Outcome(example.name, "not runnable", str(error))


def _played(example: Example, objs: list[Obj], text: str, folder: Path) -> Outcome:
    with LocalBackend(folder / ".mltk") as backend, local_net(folder / "net", text) as net:
        for obj in (*net.objects, *prepared(example)):
            backend.create(obj)
        try:
            made = [backend.create(obj) for obj in objs]
        except MltkError as error:
            place = (error.where or "").rpartition(": ")[2]
            return Outcome(example.name, "failed", f"refused: {error.what} ({place})")
        run = next(obj for obj in made if obj["kind"] == example.kind)
        with ExitStack() as stack:
            runtime = (
                stack.enter_context(_containers(folder))
                if example.name in IN_CONTAINERS
                else stack.enter_context(_processes(net, backend, small=wants_busybox(objs)))
            )
            engine = Engine(backend.store, runtime, jobs=4, cache=False)
            ended = engine.run([name_of(run)], namespace_of(run), kind=run["kind"])[0]
        if is_success(ended):
            return Outcome(example.name, "passed")
        return Outcome(example.name, "failed", _why(ended, backend))


@contextmanager
def _containers(folder: Path) -> Iterator[ContainerRuntime]:
    """The container runtime in a network of its own, where all ports are free, with a registry."""
    hosts = json.dumps(str(hosts_file(folder)))
    settings = folder / "containers.conf"
    settings.write_text(f"[containers]\nbase_hosts_file = {hosts}\n", encoding="utf-8")
    os.environ["CONTAINERS_CONF"] = str(settings)
    namespaces.unshare(namespaces.NETWORK)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with registry(parts()), ContainerRuntime(find_engine()) as runtime:
        yield runtime


def _processes(net: Net, backend: LocalBackend, *, small: bool) -> ProcessRuntime:
    """The process runtime; `small` images have the shell of busybox."""
    binds = net.binds
    if small and (busybox := shutil.which("busybox")):
        binds = (*binds, Bind(busybox, "/bin/sh", read_only=True))
    isolation = replace(Isolation.of(backend.layout), binds=binds)
    # The home of an image is empty, that of who plays this is not.
    env = {**os.environ, **net.env, "HOME": HOME}
    return ProcessRuntime(env=env, isolation=isolation)


def _why(run: Obj, backend: LocalBackend) -> str:
    """What is said of a run that failed, and of the TaskRuns that made it fail."""
    said = [f"{reason(run)}: {message(run)}"]
    for each in backend.list("TaskRun"):
        if is_done(each) and not is_success(each):
            *_, last = ["", *backend.logs(name_of(each), namespace_of(each))]
            said.append(f"{name_of(each)}: {message(each)}; {last}")
    return " | ".join(said)


def main() -> None:
    """Play the example that the command line names: NAME and PATH."""
    with tempfile.TemporaryDirectory() as folder:
        _use_busybox(Path(folder))
        json.dump(asdict(play(Example(sys.argv[1], Path(sys.argv[2])), Path(folder))), sys.stdout)


def _use_busybox(folder: Path) -> None:
    """Let scripts of the small images find the shell that those have, when this machine has it."""
    if found := shutil.which("busybox"):
        (folder / "bin").mkdir()
        for name in BUSYBOX:
            (folder / "bin" / name).symlink_to(found)
        os.environ["PATH"] = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))


if __name__ == "__main__":
    main()
