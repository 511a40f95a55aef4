"""The sidecars of one pod: started before its steps, looked after meanwhile, stopped after them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mltk.errors import InfrastructureError
from mltk.local.rootfs import Bind
from mltk.local.runtime import Launch, Pod, RunningStep
from mltk.local.workfolders import read_file
from mltk.tekton.objects import Obj
from mltk.tekton.sidecars import Care, Probe, SidecarState

_SHELL_OK, _HTTP_OK = (0,), range(200, 400)
_HOST = "127.0.0.1"
_CANCEL_SECONDS = 0.1


@dataclass
class Sidecar:
    """A started sidecar and the thread that looks after it."""

    name: str
    launch: Launch
    care: Care
    pod: Pod
    clock: Callable[[], datetime]
    grace: float
    changed: threading.Condition
    state: SidecarState = field(init=False)
    ready: bool = False
    _process: RunningStep = field(init=False)
    _ending: threading.Event = field(default_factory=threading.Event)
    _stopped: bool = False

    def start(self) -> None:
        """Start it; it is looked after until it ends."""
        self._process = self.pod.start(self.launch, self._ending)
        self.state = SidecarState(self.name, self.clock())
        for target in (self._await_end, self._look_after):
            threading.Thread(target=target, daemon=True).start()

    @property
    def settled(self) -> bool:
        """Whether steps need not wait for it any more."""
        return self.ready or self.state.exit_code is not None

    def stop(self) -> None:
        """Run its hook and ask it to end, and end it `grace` seconds later."""
        if self.state.exit_code is None:
            self._stopped = True
            self._end(self.grace)

    def await_end(self) -> None:
        """Wait until it has ended."""
        with self.changed:
            self.changed.wait_for(lambda: self.state.exit_code is not None)

    def _await_end(self) -> None:
        code = self._process.wait()
        self._ending.set()
        ended = replace(
            self.state,
            finished_at=self.clock(),
            exit_code=code,
            stopped=self._stopped,
            message=self._last_words(code),
            oom_killed=self._process.oom_killed,
        )
        with self.changed:
            self.state = ended
            self.changed.notify_all()

    def _last_words(self, code: int) -> str:
        written = read_file(message_file(self.launch))
        log = read_file(self.launch.log) if self.care.quotes_log else None
        return self.care.last_words(written or "", log or "", code)

    def _look_after(self) -> None:
        care = self.care
        if care.post_start and not self._run_hook(care.post_start, None):
            return self._end(self.grace)
        if care.startup and not self._passes(care.startup):
            return self._end_unwell(care.startup)
        if care.liveness:
            threading.Thread(target=self._watch, args=(care.liveness,), daemon=True).start()
        # It may take as long as it likes to become ready.
        while care.readiness and not self._passes(care.readiness):
            if self._ending.is_set():
                return None
        with self.changed:
            self.ready = True
            self.changed.notify_all()
        return None

    def _watch(self, liveness: Probe) -> None:
        again = replace(liveness, delay=liveness.period)
        if self._passes(liveness):
            while self._passes(again):
                pass
        self._end_unwell(liveness)

    def _end_unwell(self, probe: Probe) -> None:
        if not self._ending.is_set():
            self._end(self.grace if probe.grace is None else probe.grace)

    def _end(self, grace: float) -> None:
        if self.care.pre_stop:
            self._run_hook(self.care.pre_stop, grace)
        self._process.stop(grace)

    def _passes(self, probe: Probe) -> bool:
        """Ask until it succeeds or fails as often in a row as it takes."""
        successes = failures = 0
        pause = probe.delay
        while not self._ending.wait(pause):
            pause = probe.period
            if self._ask(probe.handler, probe.timeout):
                successes, failures = successes + 1, 0
                if successes >= probe.successes:
                    return True
            else:
                successes, failures = 0, failures + 1
                if failures >= probe.failures:
                    return False
        return False

    def _ask(self, handler: Obj, timeout: float | None) -> bool:
        if (command := handler.get("exec")) is not None:
            return self._execute(tuple(command.get("command") or ()), timeout)
        if (get := handler.get("httpGet")) is not None:
            return _answer(get, self._port(get), timeout) in _HTTP_OK
        if (to := handler.get("tcpSocket")) is not None:
            return _listens(str(to.get("host") or _HOST), self._port(to), timeout)
        return True

    def _run_hook(self, hook: Obj, timeout: float | None) -> bool:
        """Run a hook, as the kubelet does (``HandlerRunner.Run``); say whether it succeeded."""
        if (sleep := hook.get("sleep")) is not None:
            self._ending.wait(float(sleep.get("seconds") or 0))
            return True
        if (get := hook.get("httpGet")) is not None:
            return _answer(get, self._port(get), timeout) is not None
        # It keeps tcpSocket from former times, and knows no way to run it.
        return "tcpSocket" not in hook and self._ask(hook, timeout)

    def _execute(self, command: tuple[str, ...], timeout: float | None) -> bool:
        try:
            process = self.pod.execute(self._process, replace(self.launch, argv=command))
        except InfrastructureError:  # it ends just now
            return False
        timer = threading.Timer(timeout, process.stop, (0,)) if timeout else None
        if timer:
            timer.daemon = True
            timer.start()
        code = process.wait()
        if timer:
            timer.cancel()
        return code in _SHELL_OK

    def _port(self, target: Obj) -> int:
        port = target.get("port") or 0
        return self.care.ports.get(str(port)) or int(port)


class Sidecars:
    """All sidecars of a pod; one that is to end has `grace` seconds for it."""

    def __init__(self, pod: Pod, clock: Callable[[], datetime], grace: float) -> None:
        self._pod = pod
        self._clock = clock
        self._grace = grace
        self._changed = threading.Condition()
        self._all: list[Sidecar] = []

    @property
    def states(self) -> Sequence[SidecarState]:
        """How they stand."""
        with self._changed:
            return [each.state for each in self._all]

    def start(self, name: str, launch: Launch, care: Care) -> None:
        """Start one."""
        file = message_file(launch)
        file.touch()
        file.chmod(0o666)
        launch = replace(launch, binds=(*launch.binds, Bind(str(file), care.message_path)))
        sidecar = Sidecar(name, launch, care, self._pod, self._clock, self._grace, self._changed)
        sidecar.start()
        self._all.append(sidecar)

    def await_ready(self, cancelled: threading.Event) -> None:
        """Wait until steps may start: all are ready, or have ended; or until `cancelled`."""
        with self._changed:
            while not (cancelled.is_set() or all(each.settled for each in self._all)):
                self._changed.wait(_CANCEL_SECONDS)

    def stop(self) -> Sequence[SidecarState]:
        """Stop all of them at once, and return how they ended."""
        stopping = [threading.Thread(target=each.stop) for each in self._all]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        for each in self._all:
            each.await_end()
        return self.states


def message_file(launch: Launch) -> Path:
    """Where a sidecar's last words are kept, beside its log."""
    return launch.log.with_suffix(".last-words")


def _answer(get: Obj, port: int, timeout: float | None) -> int | None:
    """The status that an HTTP server answers with, None when it does not."""
    # Not above: it takes longer than many a step, and few Tasks have such a probe.
    import http.client
    import ssl

    host = str(get.get("host") or _HOST)
    headers = {each["name"]: each.get("value", "") for each in get.get("httpHeaders") or ()}
    connection: http.client.HTTPConnection
    if get.get("scheme") == "HTTPS":  # like the kubelet, which asks for no certificate
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", str(get.get("path") or "/"), headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _listens(host: str, port: int, timeout: float | None) -> bool:
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError:
        return False
    return True
