"""kubelet, kube-proxy and CoreDNS: what makes of the machine a node that pods run on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cluster.node.components import Component
from tests.cluster.node.containerd import SOCKET
from tests.cluster.node.layout import NODE_IP, NODE_NAME, PODS, STATE
from tests.cluster.node.pki import ADMIN, CA, KUBELET, PROXY, certificate, kubeconfig_of

CGROUP = "mltk-node"
DNS_READY = 8181
"""The port of the node where the DNS says that it serves."""


def kubelet(programs: Path) -> Component:
    """The kubelet."""
    return Component(
        "kubelet",
        [programs / "kubelet", f"--config={_file('kubelet')}",
         f"--kubeconfig={kubeconfig_of(KUBELET)}", f"--hostname-override={NODE_NAME}",
         f"--node-ip={NODE_IP}", f"--cert-dir={STATE / 'pki'}"],
        lambda: _write("kubelet", _kubelet_config()),
    )  # fmt: skip


def proxy(programs: Path) -> Component:
    """Service addresses, as iptables rules of the node."""
    return Component(
        "proxy",
        [programs / "kube-proxy", f"--config={_file('proxy')}"],
        lambda: _write("proxy", _proxy_config()),
    )


def dns(programs: Path) -> Component:
    """CoreDNS on the node's own address: pods look services up there."""
    corefile = STATE / "Corefile"
    return Component(
        "dns",
        [programs / "dns", f"-conf={corefile}"],
        lambda: _write_text(corefile, _corefile()),
    )


def _kubelet_config() -> dict[str, object]:
    crt, key = certificate(KUBELET)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_IP,
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": str(CA)},
            "webhook": {"enabled": True},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(crt),
        "tlsPrivateKeyFile": str(key),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "clusterDNS": [NODE_IP],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "maxPods": 110,
        "volumePluginDir": str(STATE / "volume-plugins"),
        # A disk that is nearly full must neither evict pods nor take images, which no registry
        # could bring back.
        "evictionHard": {
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": False,
        # Machines with control groups of version 1, and without CAP_SYS_RESOURCE.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "enforceNodeAllocatable": [],
        "featureGates": {"KubeletInUserNamespace": True},
        "failSwapOn": False,
        "protectKernelDefaults": False,
    }


def _proxy_config() -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        # Two pods of one bridge answer each other directly, past the rules that would translate
        # the answer back, unless the kernel passes bridged packets to iptables: not all do.
        "iptables": {"masqueradeAll": True},
        "clientConnection": {"kubeconfig": str(kubeconfig_of(PROXY))},
        "clusterCIDR": str(PODS),
        "hostnameOverride": NODE_NAME,
        # As in the kubelet: without CAP_SYS_RESOURCE these can only be left as they are.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpCloseWaitTimeout": "0s",
            "tcpEstablishedTimeout": "0s",
        },
        "oomScoreAdj": 0,
    }


def _corefile() -> str:
    return f"""\
.:53 {{
  errors
  ready {NODE_IP}:{DNS_READY}
  cache 5
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig_of(ADMIN)}
  }}
}}
"""


def _file(name: str) -> Path:
    return STATE / f"{name}.json"


def _write(name: str, config: dict[str, object]) -> None:
    _write_text(_file(name), json.dumps(config, indent=1))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
