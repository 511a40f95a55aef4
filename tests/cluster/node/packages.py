"""Programs that come as Debian packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.cluster.node.commands import run, say
from tests.cluster.node.errors import MachineError

PACKAGES = {
    # The package: a file that it brings.
    "etcd-server": "/usr/bin/etcd",
    "containerd": "/usr/bin/containerd",
    "runc": "/usr/sbin/runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "/usr/sbin/iptables",
    "conntrack": "/usr/sbin/conntrack",
    "iproute2": "/sbin/ip",
    "openssl": "/usr/bin/openssl",
    "procps": "/sbin/sysctl",
    "busybox-static": "/bin/busybox",
    "tini": "/usr/bin/tini-static",
    "git": "/usr/lib/git-core/git-remote-http",
    "debootstrap": "/usr/sbin/debootstrap",
}


def missing() -> list[str]:
    """The packages that are not installed."""
    return [package for package, file in PACKAGES.items() if not Path(file).exists()]


def installable() -> bool:
    """Whether this process may install packages."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def install() -> None:
    """Install what is missing with apt-get.

    A package may start a service of the machine's own: the node neither uses nor touches it.
    """
    packages = missing()
    if not packages:
        return
    say(f"installing with apt-get: {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], env=env)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=env)
    still = missing()
    if still:
        raise MachineError(f"installed, but {PACKAGES[still[0]]} of {still[0]} is not there")
