"""What `mltk doctor` looks at. Nothing heavy is imported and nothing is changed."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mltk.cli.folder import PROJECT_FILE, STATE, find_root
from mltk.errors import INSTALL, ConfigError, InfrastructureError, MltkError

OK, WARN, MISSING = "ok", "warn", "missing"
_LEAST_DISK = 2 * 10**9
_PACKAGES = ("tensorflow", "tensorflowjs", "mlflow", "dvc")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line: `found` is what is there, `hint` what to type when that is not enough."""

    what: str
    state: str
    found: str
    hint: str = ""
    exit_code: int = InfrastructureError.exit_code

    def as_dict(self) -> dict[str, Any]:
        """For `-o json`."""
        return {"what": self.what, "state": self.state, "found": self.found, "hint": self.hint}


def examine(folder: Path) -> list[Finding]:
    """Look at the machine, then at the project of `folder`."""
    machine = [_python(), *_git(folder), *map(_package, _PACKAGES), _node(), _disk(folder)]
    return [*machine, *_project(folder)]


def _python() -> Finding:
    version = platform.python_version()
    if (3, 11) <= sys.version_info < (3, 13):
        return Finding("python", OK, f"{version} ({sys.executable})")
    return Finding("python", MISSING, version, "install Python 3.11 or 3.12; tensorflowjs needs it")


def _git(folder: Path) -> Iterator[Finding]:
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        yield Finding("git", MISSING, "not found", "install git (https://git-scm.com)")
        return
    yield Finding("git", OK, done.stdout.strip().removeprefix("git version "))
    yield _git_identity(folder)


def _git_identity(folder: Path) -> Finding:
    # Without useConfigOnly git makes one up from the names of the account and the machine.
    command = ["git", "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Finding("git identity", OK, done.stdout.rpartition(">")[0] + ">")
    hint = "git config --global user.name 'NAME' && git config --global user.email 'ADDRESS'"
    return Finding("git identity", WARN, "user.name or user.email is not set", hint)


def _package(name: str) -> Finding:
    # Importing TensorFlow to see whether it can be imported would take seconds.
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, MISSING, "not installed", INSTALL)
    if importlib.util.find_spec(name) is None:
        return Finding(name, MISSING, f"{version} is installed in part", INSTALL)
    return Finding(name, OK, version)


def _node() -> Finding:
    from mltk.local.forkserver import inherited
    from mltk.tfjs.node import find_node, packages_folder

    try:
        node = find_node(inherited())
    except InfrastructureError as error:
        return Finding("node", MISSING, error.what, error.hint or "")
    found = f"{node.version} ({node.path})"
    if packages_folder().is_dir():
        return Finding("node", OK, f"{found}, TensorFlow.js in {packages_folder()}")
    return Finding("node", WARN, found, "TensorFlow.js comes from npm with the first run")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free"
    if free < _LEAST_DISK:
        return Finding("disk", WARN, found, "a run wants some hundred megabytes; free some")
    return Finding("disk", OK, found)


def _project(folder: Path) -> Iterator[Finding]:
    from mltk.project.load import load

    try:
        root = find_root(folder)
        project = load(root / PROJECT_FILE)
    except ConfigError as error:
        yield _refused("project", error)
        return
    yield Finding("project", OK, f"{root / PROJECT_FILE}: {', '.join(project.models)}")
    yield judged("tracking", lambda: _tracking(root, project))
    yield judged("data", lambda: _data(root, project))
    if not (root / STATE).exists():
        yield Finding("runs", OK, "none yet", "mltk run")


def judged(what: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds, or the error that it raises as a finding."""
    try:
        return look()
    except MltkError as error:
        return _refused(what, error)


def _refused(what: str, error: MltkError) -> Finding:
    where = f"{error.where}: " if error.where else ""
    return Finding(what, MISSING, f"{where}{error.what}", error.hint or "", error.exit_code)


def _tracking(root: Path, project: Any) -> Finding:
    from mltk.project.compile import tracking_uri
    from mltk.registry.connection import Connection

    connection = Connection(tracking_uri(project, root), project.project)
    connection.reach()
    made = " (made by the first run)" if connection.absent else ""
    return Finding("tracking", OK, f"{connection}{made}")


def _data(root: Path, project: Any) -> Finding:
    from mltk.project.git import Repository
    from mltk.project.request import revision_of, run_request

    repository = Repository.at(root)
    revision = revision_of(repository)
    for name in project.models:
        run_request(project, name, repository, revision)
    # Data that nothing tracks was refused by then.
    if all((root / model.data.path).exists() for model in project.models.values()):
        return Finding("data", OK, "in place for every model")
    found = "not in the work tree; a run pulls what it needs, dvc pull gets all"
    return Finding("data", OK, found)
