"""The wire between the machine and the node, and the machine's routes to services and pods."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

from tests.cluster.node.commands import run, succeeds
from tests.cluster.node.errors import MachineError
from tests.cluster.node.layout import DEVICE, HOST_IP, LINK, NODE_IP, PODS, SERVICES
from tests.cluster.node.sandbox import Sandbox


def connect(sandbox: Sandbox) -> None:
    """Lay the wire; it and its routes end with the namespaces."""
    disconnect()
    _refuse_overlap()
    peer = ["peer", "name", "eth0", "netns", str(sandbox.keeper.pid)]
    run(["ip", "link", "add", DEVICE, "type", "veth", *peer])
    run(["ip", "addr", "add", f"{HOST_IP}/{LINK.prefixlen}", "dev", DEVICE])
    run(["ip", "link", "set", DEVICE, "up"])
    sandbox.run(["ip", "addr", "add", f"{NODE_IP}/{LINK.prefixlen}", "dev", "eth0"])
    sandbox.run(["ip", "link", "set", "eth0", "up"])
    sandbox.run(["ip", "route", "add", "default", "via", HOST_IP])
    for network in (SERVICES, PODS):
        run(["ip", "route", "add", str(network), "via", NODE_IP])


def disconnect() -> None:
    """Take away what the death of the namespaces may not have taken yet."""
    succeeds(["ip", "link", "delete", DEVICE])


def _refuse_overlap() -> None:
    routes = json.loads(run(["ip", "-json", "-4", "route", "show"]) or "[]")
    for route in routes:
        if route["dst"] == "default":
            continue
        theirs = IPv4Network(route["dst"])
        for ours in (LINK, SERVICES, PODS):
            if theirs.overlaps(ours):
                raise MachineError(
                    f"the addresses {ours} are in use here: route {theirs} dev {route.get('dev')}",
                    hint="the node needs 10.200.0.0/24, 10.201.0.0/16 and 10.202.0.0/16",
                )
