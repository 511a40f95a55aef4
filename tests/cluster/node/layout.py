"""Where things lie and which addresses they have."""

from __future__ import annotations

import os
from ipaddress import IPv4Network
from pathlib import Path

STATE = Path("/var/lib/mltk-node")
"""All that ``down`` removes. Root's, because containers are."""

HERE = Path(__file__).parent

NODE_NAME = "mltk-node"
NODE_IP = "10.200.0.2"
HOST_IP = "10.200.0.1"
SERVICES = IPv4Network("10.201.0.0/16")
PODS = IPv4Network("10.202.0.0/16")
LINK = IPv4Network("10.200.0.0/24")
DEVICE = "mltk0"
SERVER = f"https://{NODE_IP}:6443"


def cache() -> Path:
    """The folder that outlives the node: binaries, images, the installed objects, kubeconfig."""
    environ = os.environ
    base = environ.get("MLTK_CACHE")
    if base:
        return Path(base) / "cluster"
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mltk" / "cluster"


def kubeconfig() -> Path:
    """The administrator's kubeconfig, for the host."""
    return cache() / "kubeconfig"
