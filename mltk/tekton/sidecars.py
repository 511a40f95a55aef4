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

_STOPPED = "Sidecar container successfully stopped by nop image"
HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")


@dataclass(frozen=True)
class Probe:
    """How to ask a container how it is; times in seconds. `handler` is one of `HANDLERS`."""

    handler: Obj
    delay: float = 0
    period: float = 10
    timeout: float = 1
    successes: int = 1
    failures: int = 3

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
        )


@dataclass(frozen=True)
class Care:
    """What is done about a sidecar while it runs; `ports` are by name."""

    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    post_start: Obj | None = None
    pre_stop: Obj | None = None
    ports: dict[str, int] = field(default_factory=dict)

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
        )


@dataclass(frozen=True)
class SidecarState:
    """How a sidecar stands; without `exit_code` it runs. `stopped`: after the last step."""

    name: str
    started_at: datetime
    finished_at: datetime | None = None
    exit_code: int | None = None
    stopped: bool = False

    @property
    def failed(self) -> bool:
        """It ended by itself, and not well."""
        return bool(self.exit_code) and not self.stopped


def with_sidecars(status: Obj, states: Sequence[SidecarState]) -> Obj:
    """The status with its sidecars; one without a name is none to Tekton."""
    shown = [_state(state) for state in states if state.name]
    return {**status, "sidecars": shown} if shown else status


def failure(states: Sequence[SidecarState], *, step_failed: bool) -> str:
    """Why a TaskRun fails for its sidecars' sake; empty when it does not.

    A pod fails for a sidecar when nothing runs in it any more, but as soon as it fails for a step,
    a sidecar that had failed is blamed.
    """
    broken = next((state for state in states if state.failed and state.name), None)
    if broken is None or (any(state.stopped for state in states) and not step_failed):
        return ""
    return f'"sidecar-{broken.name}" exited with code {broken.exit_code}: Error'


def _state(state: SidecarState) -> Obj:
    made: Obj = {"name": state.name, "container": f"sidecar-{state.name}"}
    begun = format_time(state.started_at)
    if state.exit_code is None or state.finished_at is None:
        return {**made, "running": {"startedAt": begun}}
    ended: Obj = {
        "exitCode": state.exit_code,
        "startedAt": begun,
        "finishedAt": format_time(state.finished_at),
        "reason": "Error" if state.failed else "Completed",
    }
    return {**made, "terminated": ended | ({"message": _STOPPED} if state.stopped else {})}
