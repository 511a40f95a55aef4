"""Renders the chart with a real helm, and picks from what it makes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
CHART = REPOSITORY / "charts/mltk"
NAMESPACE = "ml"
VALUES = (None, *sorted((CHART / "ci").glob("*.yaml")))

Obj = dict[str, Any]
Render = Callable[..., "Rendered"]


class Rendered(list[Obj]):
    """The objects of a release."""

    def of(self, kind: str) -> dict[str, Obj]:
        """Those of a kind by name."""
        return {each["metadata"]["name"]: each for each in self if each["kind"] == kind}

    def pods(self) -> Iterator[tuple[str, Obj]]:
        """Every pod that comes from an object, with a name for messages."""
        for each in self:
            for pod in _pods(each):
                yield f"{each['kind']} {each['metadata']['name']}", pod


def _pods(obj: Obj) -> Iterator[Obj]:
    spec = obj.get("spec", {})
    if obj["kind"] == "Pod":
        yield spec
    elif obj["kind"] == "Deployment":
        yield spec["template"]["spec"]
    elif obj["kind"] == "CronJob":
        yield spec["jobTemplate"]["spec"]["template"]["spec"]
    elif obj["kind"] == "EventListener":
        yield spec["resources"]["kubernetesResource"]["spec"]["template"]["spec"]


@pytest.fixture(scope="session")
def helm() -> str:
    """The helm that is here, or the one that the test cluster or `make chart` built."""
    cache = os.environ.get("MLTK_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mltk"
    )
    built = (Path(cache, "cluster/tools/helm"), Path(cache, "lint/bin/helm"))
    found = next(filter(None, map(shutil.which, ("helm", *map(str, built)))), None)
    if found is None:
        pytest.skip("THE CHART IS NOT CHECKED: no helm here; `make chart` builds one where go is")
    return found


@pytest.fixture(scope="session")
def template(helm: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`helm template` of the chart with a file of values and `--set` settings."""

    def run(values: Path | None = None, *settings: str) -> subprocess.CompletedProcess[str]:
        command = [helm, "template", "delivery", str(CHART), f"--namespace={NAMESPACE}"]
        # A helm that was built by `go install` knows no version of its own.
        command += ["--kube-version=1.34"]
        command += [f"--values={values}"] if values else []
        command += [f"--set-json={each}" for each in settings]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def render(template: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """The objects that the chart makes."""

    def made(values: Path | None = None, *settings: str) -> Rendered:
        done = template(values, *settings)
        assert done.returncode == 0, done.stderr
        return Rendered(filter(None, yaml.safe_load_all(done.stdout)))

    return made


@pytest.fixture(params=VALUES, ids=lambda path: path.stem if path else "default")
def release(request: pytest.FixtureRequest, render: Render) -> Rendered:
    """A release with each file of values that `make chart` checks."""
    return render(request.param)
