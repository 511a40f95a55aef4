"""A way to an API server that breaks when the test says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


class Line:
    """A port of this machine through which bytes go to `target` and back, until they do not."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._refused = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """End every connection, as a server does that is restarted; new ones may be made."""
        with self._lock:
            ending, self._open = self._open, []
        for each in ending:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def refuse(self, times: int) -> None:
        """Take so many further connections only to end them, as a load balancer does that has
        nobody behind it.
        """
        self._refused = times

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._refused:
                    self._refused -= 1
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                with self._lock:
                    self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=pair, daemon=True).start()


@contextmanager
def line_to(kubeconfig: Path, folder: Path) -> Iterator[tuple[Line, Path]]:
    """A line to the API server of a kubeconfig, and a kubeconfig that goes through it."""
    config: Any = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    context = next(c for c in config["contexts"] if c["name"] == config["current-context"])
    named = next(c for c in config["clusters"] if c["name"] == context["context"]["cluster"])
    url = urlsplit(named["cluster"]["server"])
    assert url.hostname
    line = Line((url.hostname, url.port or 443))
    named["cluster"] |= {
        "server": f"https://127.0.0.1:{line.port}",
        "tls-server-name": url.hostname,
    }
    path = folder / "through-the-line"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    try:
        yield line, path
    finally:
        line.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
