"""containerd: its root lies in the cache, so an image is imported and unpacked once."""

from __future__ import annotations

from tests.cluster.node.commands import say, succeeds
from tests.cluster.node.components import Component, refuse_death
from tests.cluster.node.layout import PODS, STATE, cache
from tests.cluster.node.sandbox import Sandbox
from tests.cluster.node.waiting import until

SOCKET = STATE / "run" / "containerd.sock"
CTR = ["ctr", f"--address={SOCKET}", "--namespace=k8s.io"]
PAUSE = "localhost/pause:1"

_CLEARED = STATE / "run" / "containerd-cleared"


def component() -> Component:
    """The runtime of pods."""
    return Component(
        "containerd",
        ["containerd", f"--config={STATE / 'containerd.toml'}"],
        _configure,
    )


def start(sandbox: Sandbox) -> None:
    """Start it; the first time in a life of the node, without the containers of an earlier one."""
    runtime = component()
    first = not _CLEARED.exists()
    _start(sandbox, runtime)
    if first:
        _clear(sandbox, runtime)
        _CLEARED.touch()


def _clear(sandbox: Sandbox, runtime: Component) -> None:
    stale = sandbox.run([*CTR, "containers", "ls", "--quiet"]).split()
    if stale:
        say(f"removing {len(stale)} containers of an earlier life")
        sandbox.run([*CTR, "containers", "rm", *stale])
        # Its Kubernetes part has read them already.
        runtime.stop()
        _start(sandbox, runtime)


def _start(sandbox: Sandbox, runtime: Component) -> None:
    runtime.start(sandbox)
    until(
        lambda: succeeds([*sandbox.enter(), *CTR, "version"]),
        "containerd does not answer",
        seconds=60,
        watch=lambda: refuse_death([runtime]),
        hint=f"less {runtime.log}",
    )


def _configure() -> None:
    root = cache() / "containerd"
    root.mkdir(parents=True, exist_ok=True)
    (STATE / "cni" / "conf").mkdir(parents=True, exist_ok=True)
    (STATE / "cni" / "conf" / "10-bridge.conflist").write_text(_CNI, encoding="utf-8")
    (STATE / "containerd.toml").write_text(_CONFIG.format(root=root), encoding="utf-8")


# oom_score_adj: this process may lack CAP_SYS_RESOURCE.
_CONFIG = f"""\
version = 2
root = "{{root}}"
state = "{STATE}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.aufs",
]
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{STATE}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{STATE}/cni/conf"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""

_CNI = f"""\
{{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {{"type": "host-local", "dataDir": "{STATE}/cni/addresses",
            "ranges": [[{{"subnet": "{PODS}"}}]], "routes": [{{"dst": "0.0.0.0/0"}}]}}}},
  {{"type": "portmap", "capabilities": {{"portMappings": true}}}}
]}}
"""
