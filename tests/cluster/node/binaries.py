"""Programs built from Go modules, once, into the cache.

Each folder of ``go/`` is a module that pins what is built; its ``go.sum`` pins every byte of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node.commands import run, say
from tests.cluster.node.errors import NodeError
from tests.cluster.node.layout import HERE, cache


@dataclass(frozen=True)
class Module:
    """A Go module that builds the programs of ``package``, and what they are told at link time."""

    name: str
    package: str
    target: str = "tool"
    version_variables: tuple[str, ...] = ()
    with_config: bool = False

    @property
    def source(self) -> Path:
        return HERE / "go" / self.name

    @property
    def version(self) -> str:
        """The version of ``package`` that go.mod pins, without its ``v``."""
        text = (self.source / "go.mod").read_text(encoding="utf-8")
        match = re.search(rf"^\s*(?:require )?{self.package} v(\S+)", text, flags=re.MULTILINE)
        if match is None:
            raise NodeError(f"{self.source / 'go.mod'} does not pin {self.package}")
        return match[1]

    @property
    def key(self) -> str:
        """The same key, the same programs."""
        digest = hashlib.sha256(repr(self).encode())
        for path in sorted(self.source.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:12]

    @property
    def folder(self) -> Path:
        """Where its programs lie, and ``config`` with its install YAML."""
        return cache() / "bin" / f"{self.name}-{self.key}"


KUBERNETES = Module(
    "kubernetes",
    "k8s.io/kubernetes",
    # Tekton refuses a server whose version it cannot read.
    version_variables=("k8s.io/component-base/version.gitVersion",),
)
PIPELINES = Module("pipelines", "github.com/tektoncd/pipeline", with_config=True)
TRIGGERS = Module("triggers", "github.com/tektoncd/triggers", with_config=True)
CLI = Module("cli", "github.com/tektoncd/cli")
DNS = Module("dns", "github.com/coredns/coredns", target=".")
MODULES = (KUBERNETES, PIPELINES, TRIGGERS, CLI, DNS)

TOOLS = {"kubectl": KUBERNETES, "tkn": CLI, "helm": CLI}


def missing() -> list[Module]:
    """The modules that are still to be built."""
    return [module for module in MODULES if not module.folder.is_dir()]


def build() -> None:
    """Build what is missing; minutes for Kubernetes, when Go has built nothing of it before."""
    for module in missing():
        started = time.monotonic()
        say(f"building {module.name} (the first time this takes minutes)")
        _build(module)
        say(f"built {module.name} in {time.monotonic() - started:.0f} s")
    _link_tools()


def tools() -> Path:
    """The folder with kubectl, tkn and helm, for people and tests."""
    return cache() / "tools"


def _build(module: Module) -> None:
    parent = module.folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{module.name}-") as text:
        made = Path(text) / "made"
        made.mkdir()
        env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
        flags = " ".join(
            ["-s -w", *(f"-X {name}=v{module.version}" for name in module.version_variables)]
        )
        go = ["go", "build", "-trimpath", f"-ldflags={flags}", "-o", f"{made}/", module.target]
        run(go, cwd=module.source, env=env)
        if module.with_config:
            shutil.copytree(_sources(module) / "config", made / "config")
        made.rename(module.folder)


def _sources(module: Module) -> Path:
    asked = ["go", "list", "-m", "-f", "{{.Dir}}", module.package]
    return Path(run(asked, cwd=module.source).strip())


def _link_tools() -> None:
    tools().mkdir(parents=True, exist_ok=True)
    for name, module in TOOLS.items():
        link = tools() / name
        link.unlink(missing_ok=True)
        link.symlink_to(module.folder / name)
