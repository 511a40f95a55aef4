"""The cluster at hand, and the programs that people use on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MLTK = str(Path(sys.executable).parent / "mltk")
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")


@dataclass(frozen=True)
class Cluster:
    """A real API server with Tekton; `tools` is where kubectl, tkn and helm lie, None for PATH."""

    kubeconfig: Path
    tools: Path | None

    @property
    def environment(self) -> dict[str, str]:
        """What a person would have exported."""
        path = os.environ["PATH"]
        return {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{self.tools}{os.pathsep}{path}" if self.tools else path,
            "NO_COLOR": "1",
        }

    def run(
        self,
        *command: str,
        code: int | None = 0,
        stdin: str | bytes | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; `code` is the exit code that it must have (None: any)."""
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**self.environment, **(environment or {})},
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=timeout,
        )
        out, err = (each.decode(errors="replace") for each in (done.stdout, done.stderr))
        said = f"{' '.join(command)} ended {done.returncode}\n{out}\n{err}"
        assert "Traceback (most recent call last)" not in err, said
        assert code is None or done.returncode == code, said
        return subprocess.CompletedProcess(command, done.returncode, out, err)

    def kubectl(self, *args: str, stdin: str | bytes | None = None, code: int | None = 0) -> str:
        """What kubectl prints."""
        return self.run("kubectl", *args, stdin=stdin, code=code).stdout

    def get(self, *args: str) -> Any:
        """`kubectl get ... -o json`, read."""
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    def helm(self, *args: str) -> str:
        """What helm prints."""
        return self.run("helm", *args).stdout

    def tkn(self, *args: str) -> str:
        """What tkn prints, without colours."""
        return self.run("tkn", *args, "--no-color").stdout

    @contextmanager
    def forwarded(self, namespace: str, target: str, port: int) -> Iterator[int]:
        """A port of this machine that leads to `port` of `target` (pod/NAME, svc/NAME)."""
        command = ["kubectl", "port-forward", "-n", namespace, target, f":{port}"]
        with subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            try:
                found = _FORWARDING.search(process.stdout.readline())
                assert found, process.stderr.read()
                yield int(found[1])
            finally:
                process.kill()


@dataclass(frozen=True)
class Project:
    """A project whose models are delivered on a cluster, and the real command in its folder."""

    folder: Path
    cluster: Cluster
    namespace: str

    def mltk(self, *args: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """`mltk ... --on cluster -n NAMESPACE`, run to its end."""
        where = ("--on", "cluster", "-n", self.namespace)
        if args[0] != "run":
            return self.cluster.run(MLTK, *args, *where, code=code, cwd=self.folder)
        with self._tunnel() as tunnel:
            return self.cluster.run(
                MLTK, *args, *where, code=code, cwd=self.folder, environment=tunnel
            )

    def deliver(self, *args: str, code: int | None = 0) -> list[dict[str, Any]]:
        """`mltk run`, to the end; its summary, one entry a model."""
        rows: list[dict[str, Any]] = json.loads(self.mltk("run", *args, "-o", "json").stdout)
        return rows

    def start(self, model: str) -> str:
        """`mltk run --no-wait` of one model; the name of its run."""
        done = self.mltk("run", model, "--no-wait", "--force", "-o", "name")
        return done.stdout.strip().removeprefix("pipelinerun.tekton.dev/")

    def get(self, kind: str, name: str) -> Any:
        """An object of the namespace."""
        return self.cluster.get("-n", self.namespace, kind, name)

    def task_runs(self, run: str) -> dict[str, Any]:
        """The TaskRuns of a PipelineRun by the name of their task."""
        found = self.cluster.get(
            "-n", self.namespace, "taskruns", "-l", f"tekton.dev/pipelineRun={run}"
        )
        return {
            each["metadata"]["labels"]["tekton.dev/pipelineTask"]: each for each in found["items"]
        }

    def watch(self, *args: str, until: Callable[[Any], bool]) -> Any:
        """`kubectl get ... --watch`: the first object that is as `until` wants it."""
        command = ["kubectl", "get", "-n", self.namespace, *args, "-o", "json", "--watch"]
        with subprocess.Popen(
            command, env=self.cluster.environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            try:
                for obj in _documents(process.stdout):
                    if until(obj):
                        return obj
            finally:
                process.kill()
        raise AssertionError(f"{' '.join(command)} ended before the object was as wanted")

    def commit(self, message: str) -> None:
        """Commit all that changed, and push it into the cluster."""
        identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        self.cluster.run("git", "add", "--all", cwd=self.folder)
        self.cluster.run(
            "git", *identity, "commit", "--quiet", "--message", message, cwd=self.folder
        )
        with self._tunnel() as tunnel:
            push = ("git", "push", "--quiet", "origin", "HEAD:main")
            self.cluster.run(*push, cwd=self.folder, environment=tunnel)

    @contextmanager
    def _tunnel(self) -> Iterator[dict[str, str]]:
        """Settings with which git finds here what the Tasks call by the name of the Service."""
        inside = f"git://source.{self.namespace}/"
        with self.cluster.forwarded(self.namespace, "svc/source", 9418) as port:
            yield {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"url.git://127.0.0.1:{port}/.insteadOf",
                "GIT_CONFIG_VALUE_0": inside,
            }


def condition(run: Any) -> dict[str, Any]:
    """The condition Succeeded of a run; empty while there is none."""
    conditions: list[dict[str, Any]] = run.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Succeeded"), {})


def is_done(run: Any) -> bool:
    """Whether a run has ended."""
    return condition(run).get("status") in ("True", "False")


def _documents(lines: Iterator[str] | Any) -> Iterator[Any]:
    """JSON documents that follow each other over several lines."""
    text = ""
    for line in lines:
        text += line
        if line == "}\n":
            yield json.loads(text)
            text = ""
