"""Tekton's own sink and core interceptors, as `mltk listen` is measured against them.

They are the programs that a cluster runs, and `mltk serve` is the API server that they ask.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mltk.apiserver.certificates import ensure_certificate
from mltk.tekton.objects import Obj, name_of
from tests.cluster.node.binaries import TRIGGERS
from tests.func.apiserver.serving import served
from tests.func.listener.conftest import apply
from tests.func.local.test_sidecars import free_port

_PROOF = "tekton-triggers-core-interceptors-certs"
_INTERCEPTORS = 8443  # which they do not let anybody choose
_SECONDS = 30
_ENVIRONMENT = {
    "SYSTEM_NAMESPACE": "tekton-pipelines",
    "CONFIG_LOGGING_NAME": "config-logging-triggers",
    "CONFIG_OBSERVABILITY_NAME": "config-observability-triggers",
    "METRICS_DOMAIN": "tekton.dev/triggers",
    "INTERCEPTOR_TLS_SVC_NAME": "tekton-triggers-core-interceptors",
    "INTERCEPTOR_TLS_SECRET_NAME": _PROOF,
}
_CONFIGS = (
    *("config-logging-triggers", "config-observability-triggers"),
    *("config-defaults-triggers", "feature-flags-triggers"),
)


@dataclass(frozen=True)
class Sink:
    """Tekton's sink, which listens at `port`."""

    port: int
    processes: Sequence[subprocess.Popen[bytes]]

    def resident(self) -> int:
        """Memory of both programs, bytes."""
        found = [Path(f"/proc/{each.pid}/statm").read_text() for each in self.processes]
        return sum(int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") for text in found)


def is_built() -> bool:
    """Whether its programs are there; `make cluster` and `.ci/run` build them."""
    return TRIGGERS.folder.is_dir()


@contextmanager
def sinking(folder: Path, listener: Obj, *others: Obj) -> Iterator[Sink]:
    """The sink of an EventListener that asks the interceptors github and cel."""
    with ExitStack() as stack:
        api = stack.enter_context(served(folder))
        apply(folder, listener, *others, *_surroundings(folder))
        where = f"--kubeconfig={api.kubeconfig}"
        interceptors = stack.enter_context(_running(folder, "interceptors", where))
        _wait(interceptors, folder, _INTERCEPTORS)
        port = free_port()
        words = (f"--el-name={name_of(listener)}", "--el-namespace=default", f"--port={port}")
        sink = stack.enter_context(_running(folder, "eventlistenersink", where, *words))
        _wait(sink, folder, port)
        yield Sink(port, (interceptors, sink))


def _surroundings(folder: Path) -> Iterator[Obj]:
    certificate, key = ensure_certificate(folder / "proof", ("127.0.0.1",))
    for name in ("github", "cel"):
        authority = base64.b64encode(certificate.read_bytes()).decode()
        where = {"url": f"https://127.0.0.1:{_INTERCEPTORS}/{name}", "caBundle": authority}
        metadata = {"name": name, "labels": {"server/type": "https"}}
        made = _object("ClusterInterceptor", metadata, "triggers.tekton.dev/v1alpha1")
        yield {**made, "spec": {"clientConfig": where}}
    here = {"namespace": _ENVIRONMENT["SYSTEM_NAMESPACE"]}
    for name in _CONFIGS:
        yield {**_object("ConfigMap", {"name": name, **here}), "data": {}}
    texts = {
        "server-cert.pem": certificate.read_text(),
        "ca-cert.pem": certificate.read_text(),
        "server-key.pem": key.read_text(),
    }
    yield {**_object("Secret", {"name": _PROOF, **here}), "stringData": texts}


def _object(kind: str, metadata: Obj, version: str = "v1") -> Obj:
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


@contextmanager
def _running(folder: Path, program: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of Tekton's, until the end of the context."""
    environment: Mapping[str, str] = {**os.environ, **_ENVIRONMENT}
    with (folder / f"{program}.log").open("wb") as log:
        process = subprocess.Popen(
            [TRIGGERS.folder / program, *words], env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
    """Wait until a program listens; it does so when it has read what it needs."""
    for _ in range(_SECONDS * 10):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            signal.sigtimedwait([], 0.1)
        else:
            return
    logs = "".join(each.read_text(errors="replace")[-2000:] for each in folder.glob("*.log"))
    raise RuntimeError(f"Tekton's sink does not start:\n{logs}")
