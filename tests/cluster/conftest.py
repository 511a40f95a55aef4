"""The cluster, the chart installed in it, and a project that is delivered there.

The cluster is that of KUBECONFIG where it is set (then MLTK_TEST_IMAGE names an image of mltk that
it can pull), else the node of ``make cluster``.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.version import __version__
from tests.cluster import surroundings
from tests.cluster.programs import Cluster, Project
from tests.cluster.scene import Pushed, Scene
from tests.func.pipeline.conftest import Project as Folder
from tests.func.pipeline.conftest import _template, copies

__all__ = ["_template", "copies"]

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "mltk"
_LOCAL_IMAGE = f"localhost/mltk:{__version__}"
_MODELS = ("diabetes-progression", "wine-alcohol")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share the tests out to two workers: those of one installation of the chart stay together.

    Those that restart parts of the cluster, or uninstall the chart, come last.
    """
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, int]:
    """When a test has its turn: the longest groups begin first, and what disturbs comes last."""
    last, longest = ["test_faults", "test_chart"], ["chart", "events"]
    stem, group = item.path.stem, _group(item)
    return (
        last.index(stem) if stem in last else -1,
        longest.index(group) if group in longest else len(longest),
    )


def _group(item: pytest.Item) -> str:
    """Those that share an installation of the chart, else those of a file."""
    shared = {"installed": "chart", "scene": "events"}
    return next((group for name, group in shared.items() if _needs(item, name)), item.path.stem)


def _needs(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster at hand; without one the test fails and says how to get it."""
    own = cache_folder() / "cluster" / "kubeconfig"
    kubeconfig = Path(os.environ.get("KUBECONFIG") or own)
    if not kubeconfig.is_file():
        pytest.fail(f"no cluster: {kubeconfig} is not there; type: make cluster", pytrace=False)
    found = Cluster(kubeconfig, _tools() if kubeconfig == own else None)
    if found.tools is None and "MLTK_TEST_IMAGE" not in os.environ:
        pytest.fail("name an image of mltk that the cluster can pull: MLTK_TEST_IMAGE=...", False)
    found.kubectl("get", "--raw", "/readyz")
    return found


@pytest.fixture(scope="session")
def image() -> str:
    """The image that every Task runs in."""
    return os.environ.get("MLTK_TEST_IMAGE") or _LOCAL_IMAGE


@pytest.fixture(scope="session")
def namespace(cluster: Cluster) -> Iterator[str]:
    """The namespace of one installation of the chart."""
    with _new_namespace(cluster) as name:
        yield name


@contextmanager
def _new_namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that takes no pod that breaks the Pod Security Standard `restricted`."""
    name = f"mltk-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def installed(cluster: Cluster, namespace: str, image: str) -> str:
    """The namespace with the chart in it, MLflow ready."""
    cluster.helm("install", "mltk", str(CHART), "-n", namespace, "--wait", *chart_values(image))
    return namespace


def chart_values(image: str) -> tuple[str, ...]:
    """The settings that the tests install the chart with."""
    return ("--set", f"image={image}")


@pytest.fixture(scope="session")
def project(
    cluster: Cluster, installed: str, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """This repository's own models, in a git repository and a DVC remote inside the cluster."""
    manifest = (Path(__file__).parent / "source.yaml").read_text(encoding="utf-8")
    cluster.kubectl("apply", "-n", installed, "-f", "-", stdin=manifest.replace("IMAGE", image))
    cluster.kubectl(
        "wait", "-n", installed, "pod/source", "--for=condition=Ready", "--timeout=120s"
    )
    folder = tmp_path_factory.mktemp("project") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder)], check=True)
    made = Project(folder, cluster, installed)
    cluster.run(sys.executable, "-m", "dvc", "pull", "--quiet", cwd=folder)
    upload(made, folder / "dvc-remote", "/srv/dvc")
    _move_in(made)
    return made


@pytest.fixture(scope="session")
def scene(
    cluster: Cluster,
    image: str,
    copies: Callable[[str], Folder],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """The chart with all its listeners in a namespace of its own, and who sends events to them."""
    install = ("install", "mltk", str(CHART), *chart_values(image))
    root = tmp_path_factory.mktemp("s3")
    with (
        _new_namespace(cluster) as name,
        surroundings.set_up(cluster, name, install, copies("events"), root) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def pushed(scene: Scene) -> Pushed:
    """The first commit of the scene's project, and the one run that came of it, at its end.

    Its event is delivered twice at once, as git hosts do now and then.
    """
    second = surroundings.hook(scene.host, scene.pushes)
    commit = scene.push("Begin")
    (run,) = scene.runs_of("gitea-push", commit, events=2)
    scene.host.ask("DELETE", f"/repos/ada/plane/hooks/{second}")
    return Pushed(commit, run, scene.end(run))


@pytest.fixture(scope="session")
def delivered(project: Project) -> dict[str, dict[str, Any]]:
    """What `mltk run --on cluster` said of two models, by the name of the model."""
    return {row["model"]: row for row in project.deliver(*_MODELS)}


def upload(project: Project, folder: Path, target: str) -> None:
    """Copy the content of `folder` to a folder of the pod that serves git and DVC."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(folder, ".")
    command = ("exec", "-n", project.namespace, "-i", "source", "-c", "dvc", "--")
    project.cluster.kubectl(
        *command, "tar", "-x", "--no-same-owner", "-C", target, stdin=archive.getvalue()
    )


def _move_in(project: Project) -> None:
    """Make the clone one whose git and data are in the cluster, and nowhere else."""
    where = f"source.{project.namespace}"
    shutil.rmtree(project.folder / "dvc-remote")
    config = project.folder / ".dvc" / "config"
    config.write_text(
        config.read_text(encoding="utf-8").replace("../dvc-remote", f"http://{where}:8080"),
        encoding="utf-8",
    )
    path = project.folder / "mltk.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    for model in spec["models"].values():
        model["resources"] = {"cpu": "200m", "memory": "2Gi"}
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    address = f"git://{where}/project.git"
    project.cluster.run("git", "remote", "set-url", "origin", address, cwd=project.folder)
    project.commit("Keep code and data in the cluster")


def cache_folder() -> Path:
    """Where the Makefile keeps what it builds."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MLTK_CACHE") or Path(caches) / "mltk")


def _tools() -> Path:
    done = subprocess.run(
        ["python3", "-m", "tests.cluster.node", "path"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(done.stdout.strip())
