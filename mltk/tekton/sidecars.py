"""Containers beside the steps of a pod: when they are ready, and how they stand.

Rules: ``SidecarsReady``, ``getFailureInfo`` and ``updateStoppedSidecarStatus`` of Tekton; probes
and lifecycle hooks are those of Kubernetes (``core/v1``, Probe and Lifecycle).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mltk.tekton.objects import Obj, format_time

OOM_KILLED = "OOMKilled"
"""The reason of a container of which a process took more memory than there was."""

_STOPPED = "Sidecar container successfully stopped by nop image"
MESSAGE_PATH = "/dev/termination-log"
"""Where a container leaves its last words when nobody says otherwise (core/v1, defaults)."""

# ``MaxContainerTerminationMessage...`` of the kubelet
_MESSAGE_BYTES, _LOG_BYTES, _LOG_LINES = 4096, 2048, 80
HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")


@dataclass(frozen=True)
class Probe:
    """How to ask a container how it is; times in seconds. `handler` is one of `HANDLERS`.

    One that is found unwell has `grace` to end, or what the pod gives it.
    """

    handler: Obj
    delay: float = 0
    period: float = 10
    timeout: float = 1
    successes: int = 1
    failures: int = 3
    grace: float | None = None

    @classmethod
    def read(cls, found: Obj | None) -> Probe | None:
        """Read a probe; zero means the default, as in Kubernetes."""
        if found is None:
            return None

        def number(name: str, default: int) -> int:
            return int(found.get(name) or default)

        return cls(
            {key: found[key] for key in HANDLERS if key in found},
            number("initialDelaySeconds", 0),
            number("periodSeconds", 10),
            number("timeoutSeconds", 1),
            number("successThreshold", 1),
            number("failureThreshold", 3),
            found.get("terminationGracePeriodSeconds"),
        )


@dataclass(frozen=True)
class Care:
    """What is done about a sidecar while it runs; `ports` are by name.

    It leaves its last words at `message_path`; where none are, it `quotes_log` if it failed.
    """

    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    post_start: Obj | None = None
    pre_stop: Obj | None = None
    ports: dict[str, int] = field(default_factory=dict)
    message_path: str = MESSAGE_PATH
    quotes_log: bool = False

    @classmethod
    def read(cls, sidecar: Obj) -> Care:
        """Read the fields of a sidecar."""
        hooks: dict[str, Any] = sidecar.get("lifecycle") or {}
        return cls(
            Probe.read(sidecar.get("startupProbe")),
            Probe.read(sidecar.get("readinessProbe")),
            Probe.read(sidecar.get("livenessProbe")),
            hooks.get("postStart"),
            hooks.get("preStop"),
            {
                port["name"]: port["containerPort"]
                for port in sidecar.get("ports") or ()
                if port.get("name")
            },
            sidecar.get("terminationMessagePath") or MESSAGE_PATH,
            sidecar.get("terminationMessagePolicy") == "FallbackToLogsOnError",
        )

    def last_words(self, written: str, log: str, exit_code: int) -> str:
        """What a container says of its end, from what it has `written` for that, and its log."""
        if written or not (self.quotes_log and exit_code):
            return _first(written, _MESSAGE_BYTES)
        return _last("".join(log.splitlines(keepends=True)[-_LOG_LINES:]), _LOG_BYTES)


@dataclass(frozen=True)
class SidecarState:
    """How a sidecar stands; without `exit_code` it runs. `stopped`: after the last step."""

    name: str
    started_at: datetime
    finished_at: datetime | None = None
    exit_code: int | None = None
    stopped: bool = False
    message: str = ""
    oom_killed: bool = False

    @property
    def failed(self) -> bool:
        """It ended by itself, and not well."""
        return bool(self.exit_code or self.oom_killed) and not self.stopped

    @property
    def why(self) -> str:
        """What is said of a TaskRun that failed for its sake."""
        if not self.exit_code:
            return OOM_KILLED
        return f'"sidecar-{self.name}" exited with code {self.exit_code}: {self.reason}'

    @property
    def reason(self) -> str:
        """Kubernetes' reason of its end."""
        if self.oom_killed and not self.stopped:
            return OOM_KILLED
        return "Error" if self.failed else "Completed"


def with_sidecars(status: Obj, states: Sequence[SidecarState]) -> Obj:
    """The status with its sidecars; one without a name is none to Tekton."""
    shown = [_state(state) for state in states if state.name]
    return {**status, "sidecars": shown} if shown else status


def failure(states: Sequence[SidecarState], *, step_failed: bool) -> SidecarState | None:
    """The sidecar for whose sake a TaskRun fails; None when it does not.

    A pod fails for a sidecar when nothing runs in it any more, but as soon as it fails for a step,
    a sidecar that had failed is blamed, first of all one that lacked memory.
    """
    broken = [state for state in states if state.failed and state.name]
    if any(state.stopped for state in states) and not step_failed:
        return None
    return min(broken, key=lambda state: not state.oom_killed, default=None)


def _state(state: SidecarState) -> Obj:
    made: Obj = {"name": state.name, "container": f"sidecar-{state.name}"}
    begun = format_time(state.started_at)
    if state.exit_code is None or state.finished_at is None:
        return {**made, "running": {"startedAt": begun}}
    ended: Obj = {
        "exitCode": state.exit_code,
        "startedAt": begun,
        "finishedAt": format_time(state.finished_at),
        "reason": state.reason,
    }
    message = _STOPPED if state.stopped else state.message
    return {**made, "terminated": ended | ({"message": message} if message else {})}


def _first(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _last(text: str, size: int) -> str:
    return text.encode()[-size:].decode(errors="ignore")
