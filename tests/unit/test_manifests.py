"""The manifests that ship: documented, installed with the package, and clean for tekton-lint."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.tekton.admission import admit

REPOSITORY = Path(__file__).parents[2]
ALONE = (
    "deploy-model", "fetch-data", "gate-model", "recall-champion", "recall-trials",
    "register-model", "report", "train-model",
)  # fmt: skip
TASKS = sorted((REPOSITORY / "tasks").glob("*/*.yaml"))


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_a_task_lies_in_the_catalog_layout(path: Path) -> None:
    task = _load(path)
    assert (task["apiVersion"], task["kind"]) == ("tekton.dev/v1", "Task")
    assert task["metadata"]["name"] == path.stem == path.parent.name
    assert task["metadata"]["labels"]["app.kubernetes.io/version"]
    assert task["metadata"]["annotations"]["tekton.dev/pipelines.minVersion"]


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_the_readme_of_a_task_names_all_that_it_takes_and_gives(path: Path) -> None:
    spec, readme = _load(path)["spec"], (path.parent / "README.md").read_text(encoding="utf-8")
    for part in ("params", "results", "workspaces"):
        for item in spec.get(part, ()):
            assert f"| `{item['name']}` | {item['description']} |" in readme


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_no_param_reaches_a_shell(path: Path) -> None:
    for step in _load(path)["spec"]["steps"]:
        assert step["command"][0] in ("mltk", "git", "env")
        assert "script" not in step


@pytest.mark.parametrize("task", ALONE)
def test_the_readme_of_a_task_shows_how_to_run_it(task: str) -> None:
    folder = REPOSITORY / "tasks" / task
    readme = (folder / "README.md").read_text(encoding="utf-8")
    run = yaml.safe_load(readme.partition("```yaml\n")[2].partition("```")[0])
    assert all("has no effect here" in warning for warning in admit(run))
    spec = _load(folder / f"{task}.yaml")["spec"]
    params = {param["name"]: param for param in spec["params"]}
    given = {param["name"] for param in run["spec"]["params"]}
    required = {name for name, param in params.items() if "default" not in param}
    assert required <= given <= set(params)
    assert run["spec"]["taskRef"]["name"] == task
    assert [each["name"] for each in run["spec"]["workspaces"]] == ["run"]


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_a_step_runs_as_the_pod_security_standard_restricted_asks(path: Path) -> None:
    spec = _load(path)["spec"]
    assert spec["stepTemplate"]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert all("securityContext" not in step for step in spec["steps"])
    assert all(step["displayName"] for step in spec["steps"])


@pytest.mark.parametrize(
    ("task", "secrets"),
    [
        ("fetch-data", ["mltk-source"]),
        ("train-model", []),
        ("gate-model", ["mltk-tracking"]),
        ("recall-champion", ["mltk-tracking"]),
        ("recall-trials", ["mltk-tracking"]),
        ("register-model", ["mltk-tracking"]),
        ("deploy-model", ["mltk-hosting"]),
        ("report", ["mltk-forge", "mltk-tracking"]),
    ],
)
def test_a_task_gets_its_own_secrets_alone(task: str, secrets: list[str]) -> None:
    spec = _load(REPOSITORY / f"tasks/{task}/{task}.yaml")["spec"]
    defaults = {param["name"]: param.get("default") for param in spec["params"]}
    sources = [source for step in spec["steps"] for source in step.get("envFrom", ())]
    assert all("env" not in step for step in (spec["stepTemplate"], *spec["steps"]))
    assert all(source["secretRef"]["optional"] for source in sources)
    names = [source["secretRef"]["name"][len("$(params.") : -1] for source in sources]
    assert sorted(str(defaults[name]) for name in names) == secrets
    named = [str(value) for name, value in defaults.items() if name.endswith("-secret")]
    assert sorted(named) == secrets


def test_every_task_of_the_pipeline_is_repeated() -> None:
    """A pod or a server that is gone for a while ends no run; training costs, so only once more."""
    spec = _load(REPOSITORY / "tekton/pipelines/model-delivery.yaml")["spec"]
    retries = {task["name"]: task["retries"] for task in (*spec["tasks"], *spec["finally"])}
    assert retries.pop("train-model") == 1
    assert set(retries.values()) == {3}


def test_the_manifests_are_installed_with_the_package() -> None:
    tasks = resources.files("mltk.manifests.tasks")
    installed = tasks.joinpath("report", "report.yaml").read_text(encoding="utf-8")
    assert installed == (REPOSITORY / "tasks/report/report.yaml").read_text(encoding="utf-8")
    pipelines = resources.files("mltk.manifests.tekton").joinpath("pipelines")
    assert pipelines.joinpath("model-delivery.yaml").is_file()


def test_a_wheel_holds_all_that_an_installed_mltk_reads(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for part in ("mltk", "tasks", "tekton"):
        shutil.copytree(REPOSITORY / part, source / part)
    for file in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / file, source)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "wheel", "zip")
    packed = {
        str(path.relative_to(tmp_path / "wheel")) for path in tmp_path.glob("wheel/mltk/**/*")
    }
    data = {"mltk/manifests/tasks/report/report.yaml"}
    data |= {"mltk/manifests/tekton/pipelines/model-delivery.yaml"}
    data |= {"mltk/manifests/tekton/access/serviceaccounts.yaml"}
    data |= {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "mltk").rglob("*")
        if path.suffix in {".py", ".mjs", ".json", ".j2"} and "node_modules" not in path.parts
    }
    assert data - packed == set()
