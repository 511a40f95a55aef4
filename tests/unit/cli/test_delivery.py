"""Which runs are new, which are done, and why: over a real git repository and store."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.cli.claiming import named
from mltk.cli.delivery import wanted
from mltk.cli.outcome import Outcome, outcome
from mltk.cli.place import Place
from mltk.cli.planning import existing, plan
from mltk.local.ownership import Ownership
from mltk.tekton.objects import Obj, labels_of, name_of, params_of
from mltk.tekton.triggers.templates import EVENT

from .conftest import Shell

SPEC: dict[str, Any] = {
    "project": "small",
    "models": {
        "plane": {
            "problem": "regression",
            "data": {"path": "plane.csv"},
            "target": {"name": "y"},
            "features": [{"name": "x"}],
            "training": {"epochs": 5},
        }
    },
}


def _git(folder: Path, *args: str) -> None:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True)


def _commit(shell: Shell, spec: dict[str, Any] = SPEC, table: str = "x,y\n1,2\n") -> None:
    (shell.folder / "mltk.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    (shell.folder / "plane.csv").write_text(table, encoding="utf-8")
    _git(shell.folder, "add", "--all")
    _git(shell.folder, "commit", "-q", "-m", "Change")


@pytest.fixture
def place(shell: Shell) -> Place:
    (shell.folder / ".gitignore").write_text(".mltk/\n", encoding="utf-8")
    _git(shell.folder, "init", "-q")
    _commit(shell)
    return shell.place


def _wanted(place: Place, **params: str) -> Obj:
    (manifest,) = wanted(place, [], params).manifests
    return manifest


def _ended(shell: Shell, manifest: Obj, reason: str = "Completed") -> Obj:
    good = "True" if reason == "Completed" else "False"
    condition = {"type": "Succeeded", "status": good, "reason": reason, "message": ""}
    return shell.keep({**manifest, "status": {"conditions": [condition]}})


def test_a_delivered_key_is_found_from_another_commit(shell: Shell, place: Place) -> None:
    (shell.folder / ".mltk" / "mlflow.db").touch()
    first = _ended(shell, _wanted(place))
    (shell.folder / "note.txt").write_text("nothing is learnt from this", encoding="utf-8")
    _commit(shell)
    later = _wanted(place)
    assert later["spec"] != first["spec"], "another revision"
    found = existing(place, later)
    assert found is not None
    assert name_of(found) == name_of(first)
    for param in later["spec"]["params"]:
        if param["name"] == "repo-url":
            param["value"] = "/srv/git/small.git"
    found = existing(place, later)
    assert found is not None, "another clone of it"


def test_a_run_names_its_event_and_another_event_finds_it(shell: Shell, place: Place) -> None:
    (shell.folder / ".mltk" / "mlflow.db").touch()
    first = _ended(shell, _wanted(place, **{"event-id": "e-1"}))
    assert labels_of(first)[EVENT] == params_of(first)["event-id"] == "e-1"
    found = existing(place, _wanted(place, **{"event-id": "e-2"}))
    assert found is not None
    assert name_of(found) == name_of(first)
    assert EVENT not in labels_of(_wanted(place))


def test_somebody_elses_project_chooses_nothing_and_registers_nothing(
    shell: Shell, place: Place
) -> None:
    theirs = yaml.safe_load(yaml.safe_dump(SPEC))
    theirs["tracking"] = {"uri": "http://theirs.example.org:5000"}
    theirs["cluster"] = {"image": "theirs.example.org/mltk:1"}
    theirs["models"]["plane"] |= {
        "deploy": {"folder": "public"},
        "resources": {"accelerator": "gpu", "node_selector": {"theirs": "yes"}},
    }
    _commit(shell, theirs)
    (trusted,) = wanted(place, [], {}).manifests
    (run,) = wanted(place, [], {"register": "true"}, untrusted=True).manifests
    params = params_of(run)
    assert params["register"] == "false"
    assert {name: value for name, value in params.items() if name.endswith("-secret")} == {
        f"{each}-secret": "mltk-none" for each in ("source", "tracking", "hosting", "forge")
    }
    assert str(params["tracking-uri"]).startswith("sqlite:///")
    assert params["deploy-folder"] == ""
    assert "theirs" not in yaml.safe_dump(run)
    assert "theirs" in yaml.safe_dump(trusted)


def test_untrusted_is_said_by_hand_or_by_the_environment(
    shell: Shell, place: Place, driven: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.mltk("run", "--untrusted")
    assert params_of(shell.backend.get("pr", driven[-1]))["register"] == "false"
    shell.mltk("run", "-p", "register=true")
    assert params_of(shell.backend.get("pr", driven[-1]))["register"] == "true"
    monkeypatch.setenv("MLTK_UNTRUSTED", "true")
    shell.mltk("run", "--force")
    assert params_of(shell.backend.get("pr", driven[-1]))["register"] == "false"
    assert len(driven) == 3


@pytest.mark.parametrize("words", [("--event-id", "a b"), ("--param", "event-id=-x")])
def test_an_event_has_an_id_that_can_be_a_label(
    shell: Shell, place: Place, words: tuple[str, str]
) -> None:
    assert "is no id of an event" in shell.mltk("run", *words, code=2).err


@pytest.mark.parametrize("reason", ["Failed", "Cancelled", "Interrupted"])
def test_a_run_that_did_not_end_well_is_no_delivery(
    shell: Shell, place: Place, reason: str
) -> None:
    (shell.folder / ".mltk" / "mlflow.db").touch()
    _ended(shell, _wanted(place), reason)
    assert existing(place, _wanted(place)) is None


def test_other_params_are_another_delivery(shell: Shell, place: Place) -> None:
    (shell.folder / ".mltk" / "mlflow.db").touch()
    _ended(shell, _wanted(place))
    asked = _wanted(place, **{"deploy-folder": "/srv/www"})
    assert existing(place, asked) is None


def test_params_are_those_of_the_pipeline(shell: Shell, place: Place) -> None:
    said = shell.mltk("run", "--param", "deploy-foldr=/srv", code=2)
    assert "did you mean 'deploy-folder'" in said.err
    said = shell.mltk("run", "--param", "revision=main", code=2)
    assert "comes from the project" in said.err


def test_a_registry_that_is_gone_holds_no_delivery(shell: Shell, place: Place) -> None:
    _ended(shell, _wanted(place))
    assert existing(place, _wanted(place)) is None


def test_a_run_in_the_hands_of_a_live_process_is_followed(shell: Shell, place: Place) -> None:
    run = shell.keep(_wanted(place))
    Ownership(shell.backend.store.database).claim(run["metadata"]["uid"], "run", "engine")
    found = existing(place, _wanted(place))
    assert found is not None
    assert name_of(found) == name_of(run)


@pytest.mark.usefixtures("driven")
def test_two_that_ask_at_the_same_moment_make_one_run(shell: Shell, place: Place) -> None:
    manifest, theirs = _wanted(place), []
    raced = shell.raced(lambda other: theirs.extend(plan(other, [manifest], force=False).new))
    ours = plan(raced, [manifest], force=False)
    assert [name_of(run) for run in ours.running] == [name_of(run) for run in theirs]
    assert not ours.new
    assert len(shell.backend.list("PipelineRun")) == 1


@pytest.mark.usefixtures("driven")
def test_a_name_that_another_has_is_passed_over(shell: Shell, place: Place) -> None:
    """The other run of the name ended badly, or is for something else: it stands for nothing."""
    manifest = _wanted(place)
    name = name_of(named(manifest, []))
    taken = {**manifest, "metadata": {"name": name, "namespace": "default"}}
    shell.keep(taken)
    (run,) = plan(place, [manifest], force=False).new
    assert name_of(run) != name
    assert {*labels_of(manifest).items()} <= {*labels_of(run).items()}


@pytest.mark.usefixtures("driven")
def test_the_name_of_a_deleted_run_is_free_when_its_task_runs_are_gone(
    shell: Shell, place: Place
) -> None:
    manifest = _wanted(place)
    name = name_of(named(manifest, []))
    labels = {"tekton.dev/pipelineRun": name}
    metadata = {"name": f"{name}-fetch-data", "namespace": "default", "labels": labels}
    shell.keep({"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": metadata, "spec": {}})
    (run,) = plan(place, [manifest], force=False).new
    assert name_of(run) != name


def test_a_run_that_nobody_ever_took_is_ended(shell: Shell, place: Place) -> None:
    run = shell.keep(_wanted(place))
    assert existing(place, _wanted(place)) is None
    (condition,) = shell.backend.get("pr", name_of(run))["status"]["conditions"]
    assert condition["reason"] == "Interrupted"


def test_up_to_date_is_said_and_a_refusal_stays_one(shell: Shell, place: Place) -> None:
    (shell.folder / ".mltk" / "mlflow.db").touch()
    run = _ended(shell, _wanted(place))
    said = shell.mltk("run")
    assert said.err == f"up to date: plane, run {name_of(run)}\n"
    refused = [{"name": "verdict", "value": "fail"}, {"name": "reason", "value": "rmse too large"}]
    shell.backend.patch("pr", name_of(run), "default", {"status": {"results": refused}})
    assert "the gate said no: rmse too large" in shell.mltk("run", code=4).err


@pytest.fixture
def driven(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Instead of the engine: every new run is delivered at once; gives their names."""
    names: list[str] = []

    def drive(_place: Place, runs: Sequence[Obj], **_options: object) -> list[Outcome]:
        names.extend(name_of(run) for run in runs)
        condition = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": ""}
        status = {"status": {"conditions": [condition]}}
        return [outcome(shell.backend.patch("pr", n, "default", status), []) for n in names]

    monkeypatch.setattr("mltk.cli.drive.drive", drive)
    return names


def test_work_that_is_not_committed_is_said_to_be_a_snapshot(
    shell: Shell, place: Place, driven: list[str]
) -> None:
    assert "snapshot" not in shell.mltk("run").err
    two = {**SPEC, "models": {"plane": {**SPEC["models"]["plane"], "training": {"epochs": 6}}}}
    two["models"]["tilted"] = two["models"]["plane"]
    (shell.folder / "mltk.yaml").write_text(yaml.safe_dump(two), encoding="utf-8")
    said = shell.mltk("run").err
    params = shell.backend.get("pr", driven[-1])["spec"]["params"]
    sha = next(each["value"] for each in params if each["name"] == "revision")
    assert said.count(f"not committed: running snapshot {sha[:8]} of the work tree\n") == 1
    assert said.count("not committed") == 1
    assert len(driven) == 3


def test_what_a_new_run_would_miss_later_is_said_before_it_is_made(
    shell: Shell, place: Place, driven: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "tracking-uri=http://127.0.0.1:9"
    assert "http://127.0.0.1:9" in shell.mltk("run", "--param", nobody, code=5).err
    monkeypatch.setenv("MLTK_NODE", "/nowhere/node")
    assert "MLTK_NODE" in shell.mltk("run", code=5).err
    assert driven == []
    assert shell.backend.list("PipelineRun") == []

    monkeypatch.delenv("MLTK_NODE")
    shell.mltk("run")
    (shell.folder / ".mltk" / "mlflow.db").touch()
    monkeypatch.setenv("MLTK_NODE", "/nowhere/node")
    assert "up to date" in shell.mltk("run").err


def test_an_unknown_model_brings_the_nearest(shell: Shell, place: Place) -> None:
    assert "did you mean 'plane'" in shell.mltk("run", "plain", code=2).err


def _why(shell: Shell, run: Obj) -> Any:
    return shell.mltk("why", name_of(run), "-o", "json").json


def test_why_names_the_first_part_that_changed(shell: Shell, place: Place) -> None:
    first = shell.keep(_wanted(place))
    assert _why(shell, first)["previous"] is None
    assert "is the first run of plane" in shell.mltk("why", name_of(first)).out

    _commit(shell, table="x,y\n1,3\n")
    second = shell.keep(_wanted(place))
    found = _why(shell, second)
    assert (found["changed"], found["previous"]) == ("data", name_of(first))
    assert found["parts"][0]["old"].startswith("md5:")
    assert labels_of(second)["mltk.dev/key"] != labels_of(first)["mltk.dev/key"]


def test_why_names_the_fields_of_the_project_file(shell: Shell, place: Place) -> None:
    first = shell.keep(_wanted(place))
    changed = yaml.safe_load(yaml.safe_dump(SPEC))
    changed["models"]["plane"]["training"]["epochs"] = 9
    changed["models"]["plane"]["gate"] = {"metrics": {"rmse": {"max": 2.0}}}
    _commit(shell, changed, table="x,y\n1,2\n")
    second = shell.keep(_wanted(place))
    found = _why(shell, second)
    assert found["changed"] == "spec"
    assert [each["part"] for each in found["parts"]] == ["spec", "policy"]
    assert {"field": "training.epochs", "old": 5, "new": 9} in found["fields"]
    text = shell.mltk("why", name_of(second)).out
    assert text.startswith(f"spec and policy changed since {name_of(first)}\n")
    assert "training.epochs" in text


def test_why_of_a_repetition(shell: Shell, place: Place) -> None:
    shell.keep(_wanted(place))
    again = shell.keep(_wanted(place))
    assert _why(shell, again)["changed"] is None
    assert "nothing changed" in shell.mltk("why", name_of(again)).out


def test_compile_prints_and_writes_what_run_would_make(shell: Shell, place: Place) -> None:
    assert yaml.safe_load(shell.mltk("compile", "-n", "default").out) == _wanted(place)
    shell.mltk("compile", "-o", "build", "--repo-url", "https://git.example.org/small.git", code=0)
    written = yaml.safe_load((shell.folder / "build" / "plane.run.yaml").read_text())
    assert written["kind"] == "PipelineRun"
    shipped = yaml.safe_load_all((shell.folder / "build" / "manifests.yaml").read_text())
    assert {"Task", "Pipeline", "ServiceAccount"} == {each["kind"] for each in shipped}
    said = shell.mltk("compile", "--repo-url", "https://git.example.org/small.git", code=3)
    assert "not committed" in said.err


def test_config_show_has_the_defaults(shell: Shell, place: Place) -> None:
    shown = yaml.safe_load(shell.mltk("config", "show").out)
    assert shown["models"]["plane"]["split"]["holdout"] == 0.2
    assert shell.mltk("config", "show", "-o", "jsonpath={.project}").out == "small\n"
    assert shell.mltk("config", "schema").json["title"] == "Project"


def test_doctor_asks_who_commits_and_forgives_data_that_a_run_would_pull(
    shell: Shell, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    (shell.folder / "plane.csv").rename(shell.folder / "plane.tsv")
    _git(shell.folder, "rm", "-q", "--cached", "plane.csv")
    digest = hashlib.md5((shell.folder / "plane.tsv").read_bytes()).hexdigest()
    tracked = {"outs": [{"md5": digest, "hash": "md5", "path": "plane.csv", "size": 8}]}
    (shell.folder / "plane.csv.dvc").write_text(yaml.safe_dump(tracked), encoding="utf-8")

    found = {each["what"]: each for each in shell.mltk("doctor", "-o", "json").json}

    assert found["git identity"]["state"] == "warn"
    assert "git config --global user.name" in found["git identity"]["hint"]
    assert (found["data"]["state"], found["data"]["found"]) == (
        "ok",
        "not in the work tree; a run pulls what it needs, dvc pull gets all",
    )
    _git(shell.folder, "config", "user.name", "Tester")
    _git(shell.folder, "config", "user.email", "tester@example.org")
    assert "Tester <tester@example.org>\n" in shell.mltk("doctor").out


def test_doctor_says_what_to_type(
    shell: Shell, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {each["what"]: each for each in shell.mltk("doctor", "-o", "json").json}
    assert {"python", "git", "tensorflow", "mlflow", "dvc", "node", "project", "data"} <= set(found)
    assert shell.mltk("doctor", "--quiet").out.count("ok ") == 0

    monkeypatch.setenv("MLTK_NODE", "/nowhere/node")
    assert "missing node" in " ".join(shell.mltk("doctor", code=5).out.split())
    monkeypatch.delenv("MLTK_NODE")
    (shell.folder / "mltk.yaml").write_text("projct: x\n", encoding="utf-8")
    said = shell.mltk("doctor", code=3)
    assert "mltk.yaml:1" in said.out
