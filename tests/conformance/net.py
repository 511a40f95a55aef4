"""What examples fetch from the net, on this machine: repositories, a catalog, a server of files.

The documents are ours; they have the names, params and workspaces that examples ask for.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mltk.local.resolvers.hub import Hub
from mltk.local.resolvers.mirrors import CONFIG
from mltk.local.resolvers.settings import NAMESPACE
from mltk.local.rootfs import Bind
from mltk.tekton.objects import Obj
from tests.conformance.prepared import config_map

_GIT, _RAW = "https://github.com/", "https://raw.githubusercontent.com/"
_TASK, _STEP_ACTION = (
    "task/git-clone/0.10/git-clone.yaml",
    "stepaction/git-clone/0.1/git-clone.yaml",
)
_IMAGE = "mirror.gcr.io/alpine/git"
_CLONE = 'git clone --quiet --depth 1 ${REVISION:+--branch "$REVISION"} "$URL" "$FOLDER"'
_ENV = [
    {"name": "URL", "value": "$(params.url)"},
    {"name": "REVISION", "value": "$(params.revision)"},
]
_PARAMS = [{"name": "url"}, {"name": "revision", "default": ""}]
_DOCUMENTS: Mapping[str, Obj] = {
    _TASK: {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "git-clone"},
        "spec": {
            "params": [*_PARAMS, {"name": "deleteExisting", "default": "true"}],
            "workspaces": [{"name": "output"}],
            "steps": [
                {
                    "name": "clone",
                    "image": _IMAGE,
                    "env": [*_ENV, {"name": "FOLDER", "value": "$(workspaces.output.path)"}],
                    "script": _CLONE,
                }
            ],
        },
    },
    _STEP_ACTION: {
        "apiVersion": "tekton.dev/v1beta1",
        "kind": "StepAction",
        "metadata": {"name": "git-clone"},
        "spec": {
            "params": [*_PARAMS, {"name": "output-path"}],
            "image": _IMAGE,
            "env": [*_ENV, {"name": "FOLDER", "value": "$(params.output-path)/clone"}],
            "script": _CLONE,
        },
    },
}
# Repositories -> their branches.
_REPOSITORIES = {
    "kelseyhightower/nocode": "master",
    "myorg/another-repo": "main",
    "myorg/demo-repo-1": "main",
    "myorg/demo-repo-2": "main",
    "secret-org/private-repo": "main",
    "tektoncd/catalog": "main",
    "tektoncd/community": "main",
    "tektoncd/pipeline": "main",
}
_NOT_ASKED = "https://github.my-company.com"  # the API of a server, where `url` counts alone
SERVED = (
    *(f"{_GIT}{name}" for name in _REPOSITORIES),
    f"{_RAW}tektoncd/catalog/main/{_TASK}",
    _NOT_ASKED,
)
"""Addresses that need no net."""


@dataclass(frozen=True)
class Net:
    """Settings that lead there: `objects` for resolvers, `env` and `binds` for steps."""

    objects: tuple[Obj, ...]
    env: Mapping[str, str]
    binds: tuple[Bind, ...]


@contextmanager
def local_net(folder: Path, text: str) -> Iterator[Net]:
    """Make, in an empty folder, and serve what an example needs whose file holds that text."""
    for name, branch in _REPOSITORIES.items():
        if name in text:
            _make_repository(folder / "git" / f"{name}.git", branch)
    for path, document in _DOCUMENTS.items():
        for place in ("hub", "raw/tektoncd/catalog/main"):
            _write(folder / place / path, document)
    handler = partial(_Quiet, directory=str(folder / "raw"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield _net(folder, f"http://127.0.0.1:{server.server_port}/")
        finally:
            server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def _net(folder: Path, raw: str) -> Net:
    git = f"{(folder / 'git').as_uri()}/"
    urls = json.dumps([str(folder / "hub")])
    objects = (
        config_map(CONFIG, {"mirrors": json.dumps({_GIT: git, _RAW: raw})}, NAMESPACE),
        config_map(Hub.config, {**Hub.defaults, "artifact-hub-urls": urls}, NAMESPACE),
    )
    # Stands in for ssh, whose server has the repositories whatever its name is.
    (folder / "ssh").write_text(f"cd '{folder}/git' && eval \"$2\"\n", encoding="utf-8")
    env = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{git}.insteadOf",
        "GIT_CONFIG_VALUE_0": _GIT,
        "GIT_SSH_COMMAND": f"sh {folder}/ssh",
        "GIT_SSH_VARIANT": "simple",
    }
    program = Path(__file__).parent / "git-init"
    return Net(objects, env, (Bind(str(program), "/ko-app/git-init", read_only=True),))


def _make_repository(path: Path, branch: str) -> None:
    work = path.with_suffix("")
    work.mkdir(parents=True)
    (work / "README").write_text(f"{path.stem}\n", encoding="utf-8")
    if path.stem == "catalog":
        for name, document in _DOCUMENTS.items():
            _write(work / name, document)
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (
        ("init", "--quiet", f"--initial-branch={branch}"),
        ("add", "--all"),
        (*who, "commit", "--quiet", "--message=files"),
        ("clone", "--quiet", "--bare", str(work), str(path)),
    ):
        subprocess.run(["git", *command], cwd=work, env=env, check=True, capture_output=True)


def _write(path: Path, document: Obj) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
