"""What a firm has around its cluster: a git host, an S3 server, and a project they tell of.

Both servers are real and run on this machine, at an address that pods reach. What they post goes
through forwarded ports to the EventListeners of the chart.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cluster.node.layout import HOST_IP
from tests.cluster.programs import Cluster, Project
from tests.cluster.scene import Scene
from tests.func.pipeline.conftest import Project as Folder
from tests.gitea.conftest import SECRET, Gitea, free_port
from tests.gitea.conftest import serving as git_host
from tests.s3.conftest import Server, client_of
from tests.s3.conftest import serving as s3_server

RUNS_PAGE = "https://tekton.example.org/#/namespaces/{namespace}/pipelineruns"
_TOKEN = "token-of-the-bucket"
# They leave room on a small node, beside the installation of the other tests.
_PARTS = ("mlflow", "queue", "triggers", "arrivals", "windows")
_LISTENERS = ("mltk", "mltk-arrivals", "mltk-windows")


@contextlib.contextmanager
def set_up(
    cluster: Cluster, namespace: str, chart: Sequence[str], folder: Folder, root: Path
) -> Iterator[Scene]:
    """Bring it up; `chart` are the words that install it, `folder` is a project with one model."""
    address = _address(cluster)
    with contextlib.ExitStack() as stack:
        host = stack.enter_context(git_host(address))
        remote = stack.enter_context(s3_server(root / "remote", address=address))
        port = free_port(address)
        _make_secrets(cluster, namespace, host, f"http://{address}:{port}", remote)
        _install(cluster, namespace, chart, host, [_port(host.url), _port(remote.url), port])
        pushes, arrivals = (
            f"http://127.0.0.1:{stack.enter_context(cluster.forwarded(namespace, each, 8080))}"
            for each in ("svc/el-mltk", "svc/el-mltk-arrivals")
        )
        told = f"{arrivals}/?token={_TOKEN}"
        store = stack.enter_context(s3_server(root / "store", told, address, port))
        move_in(folder, host, remote, "plane")
        hook(host, pushes)
        project = Project(folder.folder, cluster, namespace)
        yield Scene(project, folder, host, remote, store, pushes, arrivals)


def _address(cluster: Cluster) -> str:
    """This machine as pods see it."""
    address = HOST_IP if cluster.tools else os.environ.get("MLTK_TEST_HOST", "")
    if not address:
        pytest.skip("NO EVENT IS SENT: name this machine as pods reach it, MLTK_TEST_HOST=ADDRESS")
    return address


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _make_secrets(
    cluster: Cluster, namespace: str, host: Gitea, store: str, remote: Server
) -> None:
    git = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{host.remote('')}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{host.url}/",
    }
    page = RUNS_PAGE.format(namespace=namespace)
    secrets = {
        "mltk-gitea": {"token": SECRET},
        "mltk-s3": {"token": _TOKEN},
        "mltk-forge": {"MLTK_FORGE_TOKEN": host.token, "MLTK_FORGE_LINK": page + "/{run}"},
        "mltk-source": git | remote.environment,
        "mltk-ingest": git | remote.environment | {"AWS_ENDPOINT_URL": store},
    }
    for name, data in secrets.items():
        given = [f"--from-literal={key}={value}" for key, value in data.items()]
        cluster.kubectl("create", "secret", "generic", name, "-n", namespace, *given)


def _install(
    cluster: Cluster, namespace: str, chart: Sequence[str], host: Gitea, ports: Sequence[int]
) -> None:
    values = {
        "triggers.enabled": "true",
        "queue.enabled": "true",
        "arrivals.enabled": "true",
        "arrivals.repoUrl": f"{host.url}/ada/plane.git",
        "arrivals.quietPeriod": "3s",
        "windows.enabled": "true",
        "windows.repoUrl": f"{host.url}/ada/tides.git",
        # By hand alone.
        "windows.schedule": "0 0 29 2 *",
        "limitRange.defaultRequest.cpu": "20m",
        **{f"{part}.resources.requests.cpu": "20m" for part in _PARTS},
        "networkPolicy.source.ports": _words(ports),
        "networkPolicy.forge.ports": _words(ports[:1]),
    }
    given = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    cluster.helm(*chart, "-n", namespace, "--wait", *given)
    ready = ("--for=condition=Ready", "--timeout=180s")
    cluster.kubectl("wait", "-n", namespace, *(f"el/{name}" for name in _LISTENERS), *ready)


def _words(ports: Sequence[int]) -> str:
    """A list as `helm --set` takes it."""
    return "{" + ",".join(map(str, ports)) + "}"


def move_in(folder: Folder, host: Gitea, remote: Server, name: str) -> None:
    """Keep the code of a project in a repository that needs a token, and its data in a bucket."""
    folder.dvc("remote", "modify", "storage", "url", "s3://cellar/dvc")
    folder.dvc("remote", "modify", "storage", "endpointurl", remote.url)
    with client_of(remote):
        folder.dvc("push")
    spec = folder.spec()
    model = folder.the_model(spec)
    model["resources"] = {"cpu": "50m", "memory": "2Gi"}
    model["arrival"] = {"from": f"s3://cellar/{name}/"}
    folder.write_spec(spec)
    folder.git("checkout", "--quiet", "-B", "main")
    folder.git("remote", "add", "origin", host.remote(f"ada/{name}.git"))
    host.ask("POST", "/user/repos", {"name": name, "default_branch": "main", "private": True})


def hook(host: Gitea, url: str) -> int:
    """A webhook of the repository; its number."""
    asked = {
        "type": "gitea",
        "active": True,
        "events": ["push", "pull_request", "pull_request_sync"],
        "config": {"url": url, "secret": SECRET, "content_type": "json"},
    }
    return int(host.ask("POST", "/repos/ada/plane/hooks", asked)["id"])
