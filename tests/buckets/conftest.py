"""Stores at ports of this machine, and somebody who writes to them while they are read."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import socket
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import buckets
from tests.alone import alone
from tests.func.arrivals.conftest import waiting
from tests.s3.conftest import serving

__all__ = ["alone", "waiting"]

ACCOUNT = "devstoreaccount1"
# Azurite takes any account whose key it is told.
KEY = base64.b64encode(b"secret-of-tests").decode()


@dataclass
class Between:
    """A server between a store and its reader, who sees it alone.

    `meanwhile` is called, once, when the bytes of an object have left the store, and have not yet
    come to the reader.
    """

    store: str
    meanwhile: Callable[[], None] | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""


@dataclass
class Store:
    """A running store with the bucket (container) `cellar`."""

    place: str
    environment: dict[str, str]
    put: Callable[[str, str], None]
    delete: Callable[[str], None]
    version: Callable[[str], str]
    between: Between
    page: int
    """How many objects it lists at once."""


def _handler(between: Between) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(urlsplit(between.store).netloc, timeout=60)
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            with contextlib.closing(connection), connection.getresponse() as answer:
                content = answer.read()
                between.asked.append(f"{self.command} {self.path}")
                is_object = self.command == "GET" and b"1,2" in content
                if is_object and (meanwhile := between.meanwhile):
                    between.meanwhile = None
                    meanwhile()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Every method, each by its `do_`."""
            if name.startswith("do_"):
                return self._pass_on
            raise AttributeError(name)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def _between(store: str) -> Iterator[Between]:
    found = Between(store)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def _running(words: Callable[[int], Sequence[str | Path]], **env: str) -> Iterator[str]:
    """A server at a free port; its URL."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with subprocess.Popen(
        [*map(str, words(port))], stdout=subprocess.DEVNULL, env=env or None
    ) as process:
        waiting_ = threading.Event()
        try:
            for _ in range(600):
                assert process.poll() is None, "the server ended"
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 5).close()
                    break
                waiting_.wait(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextlib.contextmanager
def _s3(folder: Path) -> Iterator[Store]:
    with serving(folder / "s3") as server, _between(server.url) as between:
        client = server.client

        def etag(key: str) -> str:
            return str(client.head_object(Bucket="cellar", Key=key)["ETag"]).strip('"')

        def delete(key: str) -> None:
            client.delete_object(Bucket="cellar", Key=key)

        environment = {**server.environment, "AWS_ENDPOINT_URL": between.url}
        yield Store("s3://cellar", environment, server.put, delete, etag, between, 1000)


@contextlib.contextmanager
def _gs(folder: Path) -> Iterator[Store]:
    if why := buckets.GCS.missing():
        pytest.skip(why)
    program = buckets.GCS.built()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(
            _running(
                lambda port: (
                    *(program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)),
                    *("-backend", "filesystem", "-filesystem-root", folder, "-log-level", "error"),
                )
            )
        )
        between = stack.enter_context(_between(url))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python versions to come
            from google.auth.credentials import AnonymousCredentials
            from google.cloud import storage
        client = storage.Client(
            project="tests",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": url},
        )
        stack.callback(client.close)
        bucket = client.create_bucket("cellar")

        def put(key: str, text: str) -> None:
            bucket.blob(key).upload_from_string(text)

        def generation(key: str) -> str:
            return str(bucket.get_blob(key).generation)

        environment = {"STORAGE_EMULATOR_HOST": between.url}
        yield Store("gs://cellar", environment, put, bucket.delete_blob, generation, between, 1000)


@contextlib.contextmanager
def _az(folder: Path) -> Iterator[Store]:
    from azure.storage.blob import BlobServiceClient

    script = buckets.AZURITE.built() / "node_modules/azurite/dist/src/blob/main.js"
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(
            _running(
                lambda port: (
                    *(buckets.NODE, script, "--blobPort", str(port), "--location", folder),
                    # The library asks for what came after this Azurite.
                    *("--silent", "--disableTelemetry", "--skipApiVersionCheck"),
                ),
                AZURITE_ACCOUNTS=f"{ACCOUNT}:{KEY}",
            )
        )
        between = stack.enter_context(_between(url))
        client = stack.enter_context(BlobServiceClient.from_connection_string(_connection(url)))
        container = client.create_container("cellar")

        def put(key: str, text: str) -> None:
            container.upload_blob(key, text, overwrite=True).close()

        def etag(key: str) -> str:
            with container.get_blob_client(key) as blob:
                return str(blob.get_blob_properties().etag).strip('"')

        environment = {"AZURE_STORAGE_CONNECTION_STRING": _connection(between.url)}
        yield Store("az://cellar", environment, put, container.delete_blob, etag, between, 5000)


def _connection(url: str) -> str:
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"BlobEndpoint={url}/{ACCOUNT};"
    )


_STORES = {"s3": _s3, "gs": _gs, "az": _az}


@pytest.fixture(params=_STORES)
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """Each store in turn, with the environment of who reads it."""
    folder = tmp_path / "store"
    folder.mkdir()
    with _STORES[request.param](folder) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


def md5(text: str) -> str:
    """The MD5 of a text."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
