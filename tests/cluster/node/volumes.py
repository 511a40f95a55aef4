"""The pool of volumes: folders of the state, as PersistentVolumes of the class ``local``.

``local`` volumes honour fsGroup, which hostPath ones do not. Nothing provisions them, so this
module is also a component of the node (``python3 -m tests.cluster.node.volumes``): it empties a
volume whose claim is gone and gives it back to the pool.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.cluster.node import api
from tests.cluster.node.commands import say
from tests.cluster.node.components import Component
from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import HERE, NODE_NAME, STATE

CLASS = "local"
POOL = STATE / "volumes"
COUNT = 60
PATH = "/api/v1/persistentvolumes"


def manifests() -> str:
    """The class and its volumes, as a stream of JSON documents (which is YAML)."""
    documents = [_storage_class(), *(_volume(number) for number in range(COUNT))]
    return "\n---\n".join(json.dumps(document, sort_keys=True) for document in documents) + "\n"


def make_folders() -> None:
    """A folder for each volume; any user may write, whatever securityContext a pod has."""
    for number in range(COUNT):
        folder = POOL / _name(number)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)


def component() -> Component:
    """The loop that gives volumes back."""
    words = ["env", f"--chdir={HERE.parents[2]}", sys.executable, "-m", __name__]
    return Component("volumes", words)


def free(volume: dict[str, Any]) -> bool:
    """Whether the claim of a volume of the pool is gone, and the volume not yet given back."""
    path = Path(volume["spec"].get("local", {}).get("path", ""))
    released = volume.get("status", {}).get("phase") == "Released"
    return released and "claimRef" in volume["spec"] and path.parent == POOL


def recycle(name: str) -> bool:
    """Give a volume back to the pool, if it is free now: an event tells of what was."""
    path = f"{PATH}/{name}"
    volume = api.get(path)
    if not free(volume):
        return False
    _empty(POOL / name)
    # The version: the volume must be the one that was looked at.
    version = volume["metadata"]["resourceVersion"]
    api.patch(path, {"metadata": {"resourceVersion": version}, "spec": {"claimRef": None}})
    return True


def main() -> None:
    """Recycle for ever; the API server may come and go."""
    while True:
        try:
            for event in api.watch(PATH):
                if event["type"] in ("ADDED", "MODIFIED") and free(event["object"]):
                    _recycle(event["object"]["metadata"]["name"])
        except (NodeError, OSError, ValueError, HTTPException) as error:
            say(str(error))
        time.sleep(1)


def _recycle(name: str) -> None:
    if recycle(name):
        say(f"{name} is free again")


def _storage_class() -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _volume(number: int) -> dict[str, Any]:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _name(number)},
        "spec": {
            "storageClassName": CLASS,
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(POOL / _name(number))},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


def _name(number: int) -> str:
    return f"local-{number:02d}"


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    folder.chmod(0o777)


if __name__ == "__main__":
    main()
