"""Certificates, keys and kubeconfigs of one life of the node: each ``up`` makes new ones."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node.commands import run
from tests.cluster.node.layout import NODE_IP, NODE_NAME, SERVER, STATE, kubeconfig

PKI = STATE / "pki"
CA = PKI / "ca.crt"


@dataclass(frozen=True)
class Identity:
    """Who holds a certificate: RBAC reads the subject, clients the names."""

    name: str
    subject: str
    names: str = "DNS:none"


ADMIN = Identity("admin", "/O=system:masters/CN=admin")
CONTROLLER_MANAGER = Identity("controller-manager", "/CN=system:kube-controller-manager")
SCHEDULER = Identity("scheduler", "/CN=system:kube-scheduler")
PROXY = Identity("proxy", "/CN=system:kube-proxy")
KUBELET = Identity(
    "kubelet",
    f"/O=system:nodes/CN=system:node:{NODE_NAME}",
    f"DNS:{NODE_NAME},IP:{NODE_IP}",
)
API_SERVER = Identity(
    "apiserver",
    "/CN=kube-apiserver",
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
    f"DNS:kubernetes.default.svc.cluster.local,IP:10.201.0.1,IP:{NODE_IP},IP:127.0.0.1",
)
CLIENTS = (ADMIN, CONTROLLER_MANAGER, SCHEDULER, PROXY, KUBELET)

EC: list[str | Path] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def create() -> None:
    """Make the authority, a certificate for each identity and the kubeconfigs, if not there."""
    if kubeconfig_of(KUBELET).exists():
        return
    PKI.mkdir(parents=True, exist_ok=True)
    PKI.chmod(0o700)
    key: list[str | Path] = ["-keyout", PKI / "ca.key", "-out", CA]
    run(["openssl", "req", "-x509", *EC, *key, "-days", "3650", "-subj", "/CN=mltk-node"])
    run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", PKI / "sa.key"])
    run(["openssl", "ec", "-in", PKI / "sa.key", "-pubout", "-out", PKI / "sa.pub"])
    for identity in (API_SERVER, *CLIENTS):
        _certify(identity)
    for identity in CLIENTS:
        _write_kubeconfig(kubeconfig_of(identity), identity)
    kubeconfig().parent.mkdir(parents=True, exist_ok=True)
    _write_kubeconfig(kubeconfig(), ADMIN)


def kubeconfig_of(identity: Identity) -> Path:
    """The kubeconfig that a component is given."""
    return PKI / f"{identity.name}.conf"


def certificate(identity: Identity) -> tuple[Path, Path]:
    """The certificate and the key of an identity."""
    return PKI / f"{identity.name}.crt", PKI / f"{identity.name}.key"


def _certify(identity: Identity) -> None:
    crt, key = certificate(identity)
    csr, extensions = crt.with_suffix(".csr"), crt.with_suffix(".ext")
    extensions.write_text(
        f"subjectAltName={identity.names}\nextendedKeyUsage=serverAuth,clientAuth\n",
        encoding="ascii",
    )
    run(["openssl", "req", *EC, "-keyout", key, "-out", csr, "-subj", identity.subject])
    run(["openssl", "x509", "-req", "-in", csr, "-CA", CA, "-CAkey", PKI / "ca.key",
         "-CAcreateserial", "-days", "3650", "-extfile", extensions, "-out", crt])  # fmt: skip


def _write_kubeconfig(path: Path, identity: Identity) -> None:
    crt, key = certificate(identity)
    cluster = {"server": SERVER, "certificate-authority-data": _base64(CA)}
    user = {"client-certificate-data": _base64(crt), "client-key-data": _base64(key)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "mltk-test", "cluster": cluster}],
        "users": [{"name": identity.name, "user": user}],
        "contexts": [
            {"name": "mltk-test", "context": {"cluster": "mltk-test", "user": identity.name}}
        ],
        "current-context": "mltk-test",
    }
    # JSON is YAML. Made anew, never through a link, and never readable by others.
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
