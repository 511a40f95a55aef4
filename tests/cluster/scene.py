"""What a firm has around its cluster: a git host, an S3 server, and a project they tell of.

Both servers are real and run on this machine, at an address that pods reach. What they post goes
through a forwarded port to the EventListeners of the chart.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mltk.tekton.objects import Obj, name_of, params_of
from tests.cluster.dashboard import rerun_payload
from tests.cluster.node.layout import HOST_IP
from tests.cluster.programs import Cluster, Project, condition, is_done
from tests.func.pipeline.conftest import Project as Folder
from tests.gitea.conftest import SECRET, Gitea, free_port
from tests.gitea.conftest import serving as git_host
from tests.s3.conftest import Server
from tests.s3.conftest import serving as s3_server

TOKEN = "token-of-the-bucket"
RUNS_PAGE = "https://tekton.example.org/#/namespaces/{namespace}/pipelineruns"
LOOK = "triggers.tekton.dev/eventlistener=mltk-arrivals"
_LISTENERS = ("mltk", "mltk-arrivals")
_FINISHED = ("Succeeded", "Completed")


@dataclasses.dataclass(frozen=True)
class Pushed:
    """A commit, the run of the model that its push has started, and the results of that."""

    commit: str
    run: str
    results: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Scene:
    """The chart with its listeners in a namespace, and who tells them of `folder`'s repository."""

    project: Project
    folder: Folder
    host: Gitea
    remote: Server
    store: Server
    arrivals: str

    def push(self, message: str, ref: str = "main") -> str:
        """`git commit` of all that changed and `git push`; the commit."""
        self.folder.git("add", "--all")
        self.folder.git("commit", "--quiet", "--message", message)
        self.folder.git("push", "--quiet", "origin", f"HEAD:{ref}")
        return self.folder.git("rev-parse", "HEAD")

    def pull(self) -> str:
        """Check out what the git host has on main; its commit."""
        self.folder.git("fetch", "--quiet", "origin", "main")
        self.folder.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD")
        return self.folder.git("rev-parse", "HEAD")

    def table(self) -> bytes:
        """The data of the commit at hand, from the DVC remote."""
        with _client_of(self.remote):
            self.folder.dvc("pull", "--force")
        return self.folder.table.read_bytes()

    def runs_of(self, trigger: str, commit: str) -> list[str]:
        """The runs of models that a trigger started for a commit, when all are made."""
        of_trigger = f"triggers.tekton.dev/trigger={trigger}"

        def ended(run: Any) -> bool:
            return params_of(run).get("revision") == commit and is_done(run)

        started = self.project.watch("taskrun", "-l", of_trigger, until=ended)
        assert condition(started)["reason"] == "Succeeded", self.logs(name_of(started))
        return [name_of(run) for run in self.models_at(commit)]

    def models_at(self, commit: str) -> list[Obj]:
        """The runs of models that were made from a commit."""
        return [run for run in self._runs("mltk.dev/model") if params_of(run)["revision"] == commit]

    def end(self, run: str) -> dict[str, str]:
        """See a PipelineRun through; its results."""
        ended = self.project.watch("pipelinerun", run, until=is_done)
        assert condition(ended)["reason"] in _FINISHED, self.logs(run)
        return {each["name"]: each["value"] for each in ended["status"].get("results", ())}

    def copy(self, run: str) -> str:
        """What a click on Rerun in the Dashboard does; the name of the new run."""
        payload = json.dumps(rerun_payload(self.project.get("pipelinerun", run)))
        where = ("-n", self.project.namespace, "-f", "-", "-o", "name")
        name = self.project.cluster.kubectl("create", *where, stdin=payload)
        return name.strip().rpartition("/")[2]

    def looks(self, *labels: str) -> list[Obj]:
        """The runs that look for data, the oldest first."""
        return self._runs(",".join([LOOK, *labels]))

    def statuses(self, commit: str) -> dict[str, dict[str, Any]]:
        """How a commit stands at the git host, by the name of the check."""
        found = self.host.ask("GET", f"/repos/ada/plane/commits/{commit}/status")
        return {each["context"]: each for each in found["statuses"] or ()}

    def comments(self, pull_request: int) -> list[str]:
        """What is written under a pull request."""
        found = self.host.ask("GET", f"/repos/ada/plane/issues/{pull_request}/comments")
        return [each["body"] for each in found]

    def versions(self) -> dict[str, dict[str, str]]:
        """The versions of the model in the cluster's MLflow, with their tags."""
        with self.project.cluster.forwarded(
            self.project.namespace, "svc/mltk-mlflow", 5000
        ) as port:
            url = f"http://127.0.0.1:{port}/api/2.0/mlflow/model-versions/search"
            with urllib.request.urlopen(f"{url}?filter=name%3D'plane'", timeout=60) as answer:
                found = json.load(answer).get("model_versions", [])
        return {
            each["version"]: {tag["key"]: tag["value"] for tag in each["tags"]} for each in found
        }

    def logs(self, run: str) -> str:
        """What the steps of a run wrote."""
        done = self.project.mltk("logs", run, code=None)
        return done.stdout + done.stderr

    def _runs(self, selector: str) -> list[Obj]:
        found = self.project.cluster.get(
            "-n", self.project.namespace, "pipelineruns", "-l", selector
        )["items"]
        return sorted(found, key=lambda run: str(run["metadata"]["creationTimestamp"]))


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
        hooks = [
            stack.enter_context(cluster.forwarded(namespace, f"svc/el-{name}", 8080))
            for name in _LISTENERS
        ]
        events = f"http://127.0.0.1:{hooks[1]}"
        told = f"{events}/?token={TOKEN}"
        store = stack.enter_context(s3_server(root / "store", told, address, port))
        _move_in(folder, host, remote)
        _hook(host, f"http://127.0.0.1:{hooks[0]}")
        yield Scene(Project(folder.folder, cluster, namespace), folder, host, remote, store, events)


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
        "mltk-s3": {"token": TOKEN},
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


def _move_in(folder: Folder, host: Gitea, remote: Server) -> None:
    """Keep the code of the project at the git host and its data in a bucket."""
    folder.dvc("remote", "modify", "storage", "url", "s3://cellar/dvc")
    folder.dvc("remote", "modify", "storage", "endpointurl", remote.url)
    with _client_of(remote):
        folder.dvc("push")
    spec = folder.spec()
    model = folder.the_model(spec)
    model["resources"] = {"cpu": "200m", "memory": "2Gi"}
    model["arrival"] = {"from": "s3://cellar/plane/"}
    folder.write_spec(spec)
    folder.git("checkout", "--quiet", "-B", "main")
    folder.git("remote", "add", "origin", host.remote("ada/plane.git"))


@contextlib.contextmanager
def _client_of(server: Server) -> Iterator[None]:
    """What runs in the block has the key of an S3 server."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield


def _hook(host: Gitea, url: str) -> None:
    """A repository that nobody may read without a token, and its webhook."""
    new = {"name": "plane", "default_branch": "main", "private": True}
    host.ask("POST", "/user/repos", new)
    host.ask(
        "POST",
        "/repos/ada/plane/hooks",
        {
            "type": "gitea",
            "active": True,
            "events": ["push", "pull_request", "pull_request_sync"],
            "config": {"url": url, "secret": SECRET, "content_type": "json"},
        },
    )
