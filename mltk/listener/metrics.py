"""What Prometheus reads of a listener, under the names that Tekton's sink has where it has one."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from mltk.listener.inbox import Settled

# https://tekton.dev/docs/triggers/eventlisteners/#metrics
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counts; `text` is what is told."""

    media = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._answers = Counter(
            "eventlistener_http_responses", "Answers by status.", ["code"], registry=registry
        )
        self._received = Counter(
            "eventlistener_event_received", "Events that were accepted.", registry=registry
        )
        self._repeated = Counter(
            "eventlistener_event_repeated", "Deliveries that came once more.", registry=registry
        )
        self._outcomes = Counter(
            "eventlistener_trigger_outcomes",
            "What triggers made of events: created, stopped by an interceptor, or failed.",
            ["outcome"],
            registry=registry,
        )
        self._created = Counter(
            "eventlistener_triggered_resources", "Objects by kind.", ["kind"], registry=registry
        )
        self._parked = Counter(
            "eventlistener_event_parked", "Events that are tried no more.", registry=registry
        )
        self._seconds = Histogram(
            "eventlistener_http_duration_seconds",
            "From a request to its answer.",
            registry=registry,
            buckets=_SECONDS,
        )
        self.waiting = Gauge(
            "eventlistener_events_waiting", "Events that nothing was made of yet.",
            registry=registry,
        )  # fmt: skip
        self.processes = Gauge(
            "eventlistener_processes_started", "Processes that evaluate events, so far.",
            registry=registry,
        )  # fmt: skip

    def answered(self, code: int, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(str(code)).inc()
        self._seconds.observe(seconds)

    def accepted(self, *, repeated: bool) -> None:
        """Count an event that was accepted."""
        (self._repeated if repeated else self._received).inc()

    def settled(self, settled: Settled) -> None:
        """Count what came of an event."""
        for name in settled.created:
            self._created.labels(name.partition("/")[0]).inc()
        failed = len(settled.refused)
        for outcome in settled.outcomes:
            what = "stopped" if outcome.stopped else "failed" if outcome.reason else "created"
            self._outcomes.labels(what).inc()
        if failed:
            self._outcomes.labels("failed").inc(failed)

    def parked(self) -> None:
        """Count an event that is tried no more."""
        self._parked.inc()

    def text(self) -> bytes:
        """All of it, as Prometheus takes it."""
        return generate_latest(self._registry)
