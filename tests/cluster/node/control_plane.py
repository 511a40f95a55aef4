"""etcd, the API server, the controller manager and the scheduler."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.node import api
from tests.cluster.node.components import Component, refuse_death
from tests.cluster.node.layout import NODE_IP, SERVICES, STATE
from tests.cluster.node.pki import (
    ADMIN,
    API_SERVER,
    CA,
    CONTROLLER_MANAGER,
    PKI,
    SCHEDULER,
    certificate,
    kubeconfig_of,
)
from tests.cluster.node.sandbox import Sandbox
from tests.cluster.node.waiting import until

ETCD_DATA = STATE / "etcd"
ETCD_CLIENT = "http://127.0.0.1:2379"
# A store or an API server that waits for a busy machine fails what asks them.
_FIRST = ["nice", "--adjustment=-10"]
ETCD_PEER = "http://127.0.0.1:2380"


def etcd() -> Component:
    """The store; nothing in it must survive a power cut."""
    return Component(
        "etcd",
        [*_FIRST, "etcd", "--name=default", f"--data-dir={ETCD_DATA}", "--unsafe-no-fsync",
         f"--listen-client-urls={ETCD_CLIENT}", f"--advertise-client-urls={ETCD_CLIENT}",
         f"--listen-peer-urls={ETCD_PEER}", f"--initial-advertise-peer-urls={ETCD_PEER}",
         f"--initial-cluster=default={ETCD_PEER}"],
    )  # fmt: skip


def api_server(programs: Path) -> Component:
    """The API server, with the admission that a cluster has by default, PodSecurity included."""
    crt, key = certificate(API_SERVER)
    client_crt, client_key = certificate(ADMIN)
    return Component(
        "apiserver",
        [*_FIRST, programs / "kube-apiserver", f"--etcd-servers={ETCD_CLIENT}",
         f"--advertise-address={NODE_IP}", "--bind-address=0.0.0.0", "--secure-port=6443",
         f"--service-cluster-ip-range={SERVICES}",
         "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
         f"--client-ca-file={CA}", f"--tls-cert-file={crt}", f"--tls-private-key-file={key}",
         "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
         f"--service-account-key-file={PKI / 'sa.pub'}",
         f"--service-account-signing-key-file={PKI / 'sa.key'}",
         f"--kubelet-client-certificate={client_crt}", f"--kubelet-client-key={client_key}",
         f"--kubelet-certificate-authority={CA}", "--allow-privileged=true",
         # The node's name is in no DNS that the API server asks.
         "--kubelet-preferred-address-types=InternalIP"],
    )  # fmt: skip


def controller_manager(programs: Path) -> Component:
    """The controllers of what is built in."""
    return Component(
        "controller-manager",
        [programs / "kube-controller-manager", f"--kubeconfig={kubeconfig_of(CONTROLLER_MANAGER)}",
         f"--service-account-private-key-file={PKI / 'sa.key'}", f"--root-ca-file={CA}",
         "--use-service-account-credentials=true", "--leader-elect=false",
         f"--cluster-signing-cert-file={CA}", f"--cluster-signing-key-file={PKI / 'ca.key'}",
         "--allocate-node-cidrs=false", "--secure-port=0",
         # Its forty controllers ask for an account each when they start.
         "--kube-api-qps=500", "--kube-api-burst=1000"],
    )  # fmt: skip


def scheduler(programs: Path) -> Component:
    """What gives pods to the one node, or does not."""
    return Component(
        "scheduler",
        [programs / "kube-scheduler", f"--kubeconfig={kubeconfig_of(SCHEDULER)}",
         "--leader-elect=false", "--secure-port=0"],
    )  # fmt: skip


def start_api(sandbox: Sandbox, programs: Path) -> None:
    """Start the store and the API server, and return when it serves."""
    parts = (etcd(), api_server(programs))
    for part in parts:
        part.start(sandbox)
    until(
        api.ready,
        "the API server is not ready",
        seconds=90,
        watch=lambda: refuse_death(parts),
        hint=f"less {parts[1].log}",
    )


def stop_api(programs: Path) -> None:
    """End both, the store last."""
    api_server(programs).stop()
    etcd().stop()
