"""What examples need beside the engine: programs in place of images, or more than a machine has."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

from mltk.tekton.objects import Obj
from tests.conformance.images import lacks
from tests.conformance.net import SERVED

# Images, by their names without registry, tag and digest -> programs that stand in for them.
_PROGRAMS: dict[str, tuple[str, ...]] = {
    "alpine": ("sh",),
    "alpine/git": ("git",),
    "bash": ("bash",),
    "busybox": ("sh",),
    "chainguard/busybox": ("sh",),
    "cmd/git-init": ("git",),
    "git-clone": ("git",),
    "library/python": ("python3",),
    "node": ("node",),
    "perl": ("perl",),
    "python": ("python3",),
    "ubuntu": ("bash",),
}
# Images that no program of a machine stands in for -> why.
_NOWHERE: dict[str, str] = {
    "library/docker": "needs a container engine in a container",
    "nanoserver": "needs Windows",
}
# Addresses that an example fetches from, wherever it names them but in a description.
_NET = re.compile(
    r"https?://(?:[\w-]+\.)*(?:github|githubusercontent|tekton|artifacthub)\.\w+[^\s\"']*"
)
BUSYBOX = ("ash", "sh")  # of its shells, those that scripts look for in PATH
_SMALL = ("alpine", "busybox", "git-clone")
_INTERPRETER = re.compile(r"\s*#!\s*(/usr/bin/env\s+)?(\S+)")
_EQUALS = re.compile(r"(?<!\[)\[ [^\n]* == ")
_TAG = re.compile(r"(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?$")
_REGISTRY = "builds an image and pushes it to a registry"
IN_CONTAINERS = (
    "taskruns/alpha/step-stream-results",
    "taskruns/alpha/step-stream-workspace",
    "taskruns/authenticating-git-commands",
    "taskruns/beta/authenticating-git-commands",
    "taskruns/no-ci/docker-creds",
    "taskruns/no-ci/pull-private-image",
    "taskruns/entrypoint-resolution",
)
"""Examples that need the users of an image, or what it runs; some of them a registry, too."""
# Examples that this machine cannot run whatever is prepared for them -> why.
_BEYOND: dict[str, str] = {
    "pipelineruns/no-ci/compressed-results-pipeline": "is refused by Tekton's webhook, too",
    "pipelineruns/no-ci/csi-workspace": "needs a driver for volumes, with Vault behind it",
    "pipelineruns/no-ci/git-resolver": _REGISTRY,
    "pipelineruns/no-ci/hub-resolver": _REGISTRY,
    "pipelineruns/pipelinerun": _REGISTRY,
    "taskruns/beta/bundles-resolver": "needs a registry, with a bundle of this digest",
    "taskruns/no-ci/git-volume": "wants a volume of gitRepo, which Kubernetes has switched off",
}


def obstacle(name: str, objs: list[Obj]) -> str:
    """Why an example cannot run on this machine; empty when it can."""
    if name in _BEYOND:
        return _BEYOND[name]
    return lacks() if name in IN_CONTAINERS else _of_processes(objs)


def _of_processes(objs: list[Obj]) -> str:
    for image in dict.fromkeys(_fields("image", objs)):
        if why := _lacks(image):
            return f"{why} ({image})"
    for script in _fields("script", objs):
        if why := _unreadable(script):
            return why
        if _EQUALS.search(script) and wants_busybox(objs) and shutil.which("busybox") is None:
            return "busybox is not installed, whose sh knows [ a == b ]"
    for text in _texts(objs):
        for found in _NET.findall(text):
            if not found.startswith(SERVED):
                return f"fetches from the net ({found})"
    return ""


def _lacks(image: str) -> str:
    plain = _plain(image)
    for known, why in _NOWHERE.items():
        if plain.endswith(f"/{known}"):
            return why
    for known in sorted(_PROGRAMS, key=len, reverse=True):
        if plain == known or plain.endswith(f"/{known}"):
            missing = [each for each in _PROGRAMS[known] if shutil.which(each) is None]
            return f"{', '.join(missing)} is not installed" if missing else ""
    return "" if "$(" in image else "no program of this machine stands in for the image"


def _plain(image: str) -> str:
    """The name of an image alone."""
    return _TAG.sub("", image)


def _unreadable(script: str) -> str:
    """Why nothing on this machine runs a script as its image would."""
    named = _INTERPRETER.match(script)
    program = named[2] if named else "/bin/sh"
    if named and named[1] and program in BUSYBOX and shutil.which("busybox"):
        return ""
    if shutil.which(program) is None:
        return f"{program} is not installed" + ("; busybox has it" if program in BUSYBOX else "")
    return ""


def wants_busybox(objs: list[Obj]) -> bool:
    """Whether the sh of an image of an example is that of busybox."""
    return any(_plain(image).endswith(_SMALL) for image in _fields("image", objs))


def _fields(name: str, tree: Any) -> Iterator[str]:
    """The texts of all fields of a name, in a tree of dicts and lists."""
    if isinstance(tree, dict):
        if isinstance(tree.get(name), str):
            yield tree[name]
        for found in tree.values():
            yield from _fields(name, found)
    elif isinstance(tree, list):
        for found in tree:
            yield from _fields(name, found)


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, found in tree.items():
            if key not in ("description", "annotations"):
                yield from _texts(found)
    elif isinstance(tree, list):
        for found in tree:
            yield from _texts(found)
