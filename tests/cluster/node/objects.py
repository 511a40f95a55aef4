"""What is installed before anything runs: Tekton, the storage class and its volumes.

Installing takes longer than all else that ``up`` does, and gives the same each time. So the store
is kept, in the cache, as it is when only the API server has written to it: no node, no pod and no
secret of this machine is in it. A later ``up`` begins with a copy.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from tests.cluster.node import control_plane, tekton, volumes
from tests.cluster.node.binaries import KUBERNETES, tools
from tests.cluster.node.commands import run, say
from tests.cluster.node.control_plane import ETCD_DATA
from tests.cluster.node.layout import STATE, cache, kubeconfig
from tests.cluster.node.sandbox import Sandbox

_INSTALLED = STATE / "run" / "objects"


def start_api(sandbox: Sandbox) -> None:
    """Start the store and the API server, with everything installed."""
    programs = KUBERNETES.folder
    first, then = tekton.manifests()
    kept = cache() / "objects" / _key(first, then, volumes.manifests())
    if not _INSTALLED.exists():
        # Nothing, or what an installation left that was interrupted.
        control_plane.stop_api(programs)
        shutil.rmtree(ETCD_DATA, ignore_errors=True)
        if kept.is_dir():
            shutil.copytree(kept, ETCD_DATA)
    control_plane.start_api(sandbox, programs)
    if not kept.is_dir() and not _INSTALLED.exists():
        say("installing Tekton")
        _install(first, then)
        control_plane.stop_api(programs)
        _keep(kept)
        control_plane.start_api(sandbox, programs)
    _INSTALLED.touch()


def _key(*texts: str) -> str:
    words = [run(["etcd", "--version"]), KUBERNETES.key, *texts]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def _install(first: str, then: str) -> None:
    _create(first)
    _kubectl("wait", "--for=condition=established", "crd", "--all", "--timeout=60s")
    _create(then)
    _create(volumes.manifests())


def _create(manifests: str) -> None:
    _kubectl("create", "--validate=false", "-f", "-", stdin=manifests.encode())


def _kubectl(*words: str, stdin: bytes | None = None) -> None:
    fixed = [f"--kubeconfig={kubeconfig()}", f"--cache-dir={STATE / 'kubectl'}"]
    run([tools() / "kubectl", *fixed, *words], stdin=stdin)


def _keep(kept: Path) -> None:
    shutil.rmtree(kept.parent, ignore_errors=True)
    kept.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        copy = Path(folder) / "etcd"
        shutil.copytree(ETCD_DATA, copy)
        copy.rename(kept)
