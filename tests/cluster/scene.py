"""A project in a cluster whose runs come from events, as somebody sees it who pushes and looks."""

from __future__ import annotations

import dataclasses
import json
import urllib.request
from typing import Any

from mltk.tekton.objects import Obj, name_of, params_of
from tests.cluster.dashboard import rerun_payload
from tests.cluster.programs import Project, condition, is_done
from tests.func.pipeline.conftest import Project as Folder
from tests.gitea.conftest import Gitea
from tests.s3.conftest import Server, client_of

LOOK = "triggers.tekton.dev/eventlistener=mltk-arrivals"
_FINISHED = ("Succeeded", "Completed")


@dataclasses.dataclass(frozen=True)
class Pushed:
    """A commit, the run of the model that its push has started, and the results of that."""

    commit: str
    run: str
    results: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Scene:
    """The chart with its listeners in a namespace, and who tells them of `folder`'s repository.

    `host` has the code and `remote` the data; what is put into `store` is told to the listener at
    `arrivals`, what is pushed to that at `pushes`.
    """

    project: Project
    folder: Folder
    host: Gitea
    remote: Server
    store: Server
    pushes: str
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
        with client_of(self.remote):
            self.folder.dvc("pull", "--force")
        return self.folder.table.read_bytes()

    def runs_of(self, trigger: str, commit: str, events: int = 1) -> list[str]:
        """The runs of models that a trigger has started for a commit, after so many events."""
        ended: set[str] = set()

        def all_ended(run: Any) -> bool:
            if params_of(run).get("revision") == commit and is_done(run):
                assert condition(run)["reason"] == "Succeeded", self.logs(name_of(run))
                ended.add(name_of(run))
            return len(ended) == events

        of_trigger = f"triggers.tekton.dev/trigger={trigger}"
        self.project.watch("taskrun", "-l", of_trigger, until=all_ended)
        return [name_of(run) for run in self.models_at(commit)]

    def models_at(self, commit: str) -> list[Obj]:
        """The runs of models that were made from a commit."""
        return [run for run in self.runs("mltk.dev/model") if params_of(run)["revision"] == commit]

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
        return self.runs(",".join([LOOK, *labels]))

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

    def runs(self, selector: str) -> list[Obj]:
        """The PipelineRuns with a label, the oldest first."""
        found = self.project.cluster.get(
            "-n", self.project.namespace, "pipelineruns", "-l", selector
        )["items"]
        return sorted(found, key=lambda run: str(run["metadata"]["creationTimestamp"]))
