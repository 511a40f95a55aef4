"""A registry of one small image, which it has under every name, and certificates for it.

It answers what clients ask who look for an image or fetch one (OCI distribution, "pull").
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import ssl
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mltk.apiserver.certificates import ensure_certificate

HOSTS = ("mirror.gcr.io", "gcr.io")
_PRIVATE = {"gcr.io": "_json_key"}  # who may come in there
_OCI = "application/vnd.oci.image"
_MANIFEST = f"{_OCI}.manifest.v1+json"


def certificate(folder: Path) -> Path:
    """What clients have to trust."""
    return ensure_certificate(folder, HOSTS)[0]


def hosts_file(folder: Path) -> Path:
    """Names of this machine as a container is to know them."""
    file = folder / "hosts"
    file.write_text(f"127.0.0.1 localhost {' '.join(HOSTS)}\n", encoding="ascii")
    return file


@contextmanager
def registry(folder: Path) -> Iterator[None]:
    """Serve on the port where clients look, to which only the network of this thread leads."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ensure_certificate(folder, HOSTS))
    with ThreadingHTTPServer(("127.0.0.1", 443), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a manifest, or with what it names."""
        host = self.headers.get("Host", "").partition(":")[0]
        if host in _PRIVATE and self._user() != _PRIVATE[host]:
            self._answer(401, b"", "WWW-Authenticate", 'Basic realm="images"')
        elif "/manifests/" in self.path:
            self._manifest()
        elif "/blobs/" in self.path:
            found = _BLOBS.get(self.path.rpartition("/")[2])
            self._answer(404 if found is None else 200, found or b"")
        else:
            self._answer(200, b"{}")

    def do_HEAD(self) -> None:
        """Answer with the same, but for the body."""
        self.do_GET()

    def _manifest(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", _MANIFEST)
        self.send_header("Docker-Content-Digest", _digest(_IMAGE))
        self._body(_IMAGE)

    def _user(self) -> str:
        kind, _, word = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(word).decode().partition(":")[0] if kind == "Basic" else ""

    def _answer(self, code: int, body: bytes, name: str = "", value: str = "") -> None:
        self.send_response(code)
        if name:
            self.send_header(name, value)
        self._body(body)

    def _body(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _layer() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as layer:
        layer.addfile(tarfile.TarInfo("empty"))
    return made.getvalue()


def _image() -> tuple[bytes, dict[str, bytes]]:
    plain = _layer()
    packed = gzip.compress(plain, mtime=0)
    system = {"architecture": "amd64", "os": "linux"}
    root = {"type": "layers", "diff_ids": [_digest(plain)]}
    config = json.dumps({**system, "config": {}, "rootfs": root}).encode()
    kinds = ((f"{_OCI}.config.v1+json", config), (f"{_OCI}.layer.v1.tar+gzip", packed))
    described = [
        {"mediaType": kind, "digest": _digest(blob), "size": len(blob)} for kind, blob in kinds
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": described[0],
        "layers": described[1:],
    }
    return json.dumps(manifest).encode(), {_digest(blob): blob for _, blob in kinds}


_IMAGE, _BLOBS = _image()
