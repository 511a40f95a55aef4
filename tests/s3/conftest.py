"""versitygw at a port of this machine."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests import s3

# The project that trains is the one of the tests of the pipeline.
from tests.func.pipeline.conftest import _template, copies

__all__ = ["_template", "copies"]

KEY, SECRET = "mltk-tests", "secret-of-tests"


@dataclass
class Server:
    """A running S3 server; `environment` is what a client of it exports."""

    url: str
    client: Any

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
        }

    def put(self, key: str, text: str) -> None:
        """Put an object into the bucket `cellar`."""
        self.client.put_object(Bucket="cellar", Key=key, Body=text.encode())


@contextlib.contextmanager
def serving(
    folder: Path, webhook: str = "", address: str = "127.0.0.1", port: int = 0
) -> Iterator[Server]:
    """An S3 server over `folder`, which posts what is put to `webhook`; port 0 is any."""
    if why := s3.missing():
        pytest.skip(why)
    folder.mkdir(exist_ok=True)
    with socket.socket() as found:
        found.bind((address, port))
        port = found.getsockname()[1]
    hook = ["--event-webhook-url", webhook] if webhook else []
    words = [
        str(s3.built()),
        "--access",
        KEY,
        "--secret",
        SECRET,
        "--port",
        f"{address}:{port}",
        *hook,
    ]
    with subprocess.Popen(
        [*words, "posix", "--sidecar", str(folder.parent), str(folder)], stdout=subprocess.DEVNULL
    ) as process:
        try:
            url = f"http://{address}:{port}"
            _await(url, process)
            client = botocore.session.get_session().create_client(
                "s3",
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id=KEY,
                aws_secret_access_key=SECRET,
            )
            client.create_bucket(Bucket="cellar")
            yield Server(url, client)
            client.close()
        finally:
            process.terminate()


@contextlib.contextmanager
def client_of(server: Server) -> Iterator[None]:
    """What runs in the block has the key of a server."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until it listens: connections are refused until then."""
    waiting = threading.Event()
    for _ in range(300):
        assert process.poll() is None, "versitygw ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except (urllib.error.URLError, ConnectionError):
            waiting.wait(0.1)
    raise AssertionError("versitygw does not listen")
