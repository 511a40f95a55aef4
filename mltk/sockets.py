"""An ASGI application on its socket, over plain HTTP or TLS."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from mltk.errors import InfrastructureError, missing_package

_BACKLOG = 128
_GRACE_SECONDS = 2


@dataclass(frozen=True)
class Listening:
    """Where the server listens: a port of `host`, or a unix socket at `path`."""

    host: str = "127.0.0.1"
    port: int = 0
    path: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Application(Protocol):
    """An ASGI application that holds connections open until it is closed."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""

    def close(self) -> None:
        """Let the connections come to their end."""


async def live(receive: Any, send: Any) -> None:
    """Begin and end with the server, for an application that has nothing to do then."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def respond(send: Any, status: int, header: Mapping[str, str], body: bytes = b"") -> None:
    """Send a whole answer."""
    lines = {"Content-Length": str(len(body)), **header}
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": encoded})
    await send({"type": "http.response.body", "body": body})


class HttpServer:
    """Serves the application that `make` makes, until it is told to stop.

    `url` is known from the beginning; what comes before `run` waits in the socket. `protocol` is
    uvicorn's, where its own does not do.
    """

    def __init__(
        self,
        make: Callable[[], Application],
        listening: Listening,
        protocol: type[asyncio.Protocol] | Literal["auto"] = "auto",
    ) -> None:
        self._protocol = protocol
        self._listening = listening
        self._socket = _bind(listening)
        self._app = make()
        self._server: Any = None
        self._stopped = threading.Event()

    @property
    def url(self) -> str:
        """The address that clients use."""
        if self._listening.path is not None:
            return f"unix://{self._listening.path}"
        scheme = "https" if self._listening.certificate else "http"
        host = self._listening.host
        shown = f"[{host}]" if ":" in host else host
        return f"{scheme}://{shown}:{self._socket.getsockname()[1]}"

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve; `ready` is called when requests are answered. SIGINT and SIGTERM end it."""
        try:
            import uvicorn
        except ModuleNotFoundError as error:
            raise missing_package(error) or error from None

        app, listening = self._app, self._listening

        class Server(uvicorn.Server):
            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                # That they came is told by the end of `run`, not by a second one afterwards.
                if threading.current_thread() is not threading.main_thread():
                    yield
                    return
                numbers = (signal.SIGINT, signal.SIGTERM)
                old = {number: signal.signal(number, self.handle_exit) for number in numbers}
                try:
                    yield
                finally:
                    for number, handler in old.items():
                        signal.signal(number, handler)

            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                ready()

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                # Connections are waited for, and a watch would never end by itself.
                app.close()
                await super().shutdown(sockets)

        settings = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="on",
            loop="asyncio",
            http=self._protocol,
            ws="websockets-sansio" if find_spec("websockets") else "none",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            ssl_certfile=listening.certificate,
            ssl_keyfile=listening.key,
        )
        self._server = Server(settings)
        if not self._stopped.is_set():
            self._server.run(sockets=[self._socket])
        self._close()

    def stop(self) -> None:
        """Let `run` come to its end; may be called by another thread."""
        self._stopped.set()
        if self._server is not None:
            self._server.should_exit = True

    def _close(self) -> None:
        self._socket.close()
        if self._listening.path is not None:
            self._listening.path.unlink(missing_ok=True)


def _bind(listening: Listening) -> socket.socket:
    try:
        return _bind_path(listening.path) if listening.path else _bind_port(listening)
    except OSError as error:
        where = str(listening.path or f"{listening.host}:{listening.port}")
        raise InfrastructureError(
            f"cannot listen there: {error.strerror or error}",
            where=where,
            hint="Another server may have it: choose another --port, or 0 for any.",
        ) from None


def _bind_port(listening: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    # By the protocol asyncio knows that small answers are not to wait for one another.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((listening.host, listening.port))
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _bind_path(path: Path) -> socket.socket:
    """A socket that only its owner may use, from its first moment."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        if path.is_socket() and not _answers(path):
            path.unlink()
        made.bind(str(path))
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    finally:
        os.umask(mask)
    return made


def _answers(path: Path) -> bool:
    """Whether a server listens at a socket, rather than one that has died."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
