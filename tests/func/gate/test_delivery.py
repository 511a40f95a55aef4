"""gate, register, report and deploy on runs whose training is over."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial, wraps
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from mltk.cli.models import command as models
from mltk.errors import StepError
from mltk.registry import Registry, verify_registered
from tests.func.steps.killing import survives

from .conftest import Run

NewRun = Callable[..., Run]
DONE = {
    "fetch_data": "Succeeded",
    "train_model": "Succeeded",
    "gate_model": "Succeeded",
    "register_model": "Succeeded",
}


def test_the_first_model_that_passes_becomes_champion(new_run: NewRun, registry: Registry) -> None:
    run = new_run("first", "near")
    said = run.gate().output
    assert run.results["verdict"] == "pass"
    assert (run.results["promote"], run.results["reason"]) == ("true", "there is no champion yet")
    assert "ok   rmse 0.1 beats the trivial baseline's 2 by 1.9 m" in said

    run.register()
    assert (run.results["model-version"], run.results["alias"]) == ("1", "champion")
    champion = registry.champion("first")
    assert champion is not None and champion.digest == run.results["bundle-digest"]
    assert champion.lineage.git_sha == "f" * 40
    (entry,) = registry.history("first")
    assert (entry.who, entry.reason) == (f"run run-{run.uid}", "there is no champion yet")

    run.register()
    assert len(registry.history("first")) == 1
    assert "registered before" in run.register().output


def test_the_champion_is_challenged_on_the_same_rows(new_run: NewRun, registry: Registry) -> None:
    for bundle, promote, alias, reason, met in (
        ("near", "true", "champion", "no champion yet", {}),
        ("far", "false", "challenger", "not better", {"version": "1", "outcome": "worse"}),
        (
            "exact",
            "true",
            "champion",
            "champion (version 1) on the same 40 rows: better by",
            {"version": "1", "outcome": "better", "metric": "rmse", "rows": 40},
        ),
        (
            "exact",
            "false",
            "champion",
            "the champion (version 3) already",
            {"version": "3", "outcome": "identical"},
        ),
    ):
        run = new_run("rivals", bundle)
        run.gate()
        assert run.results["promote"] == promote, run.results
        assert reason in run.results["reason"]
        assert met.items() <= json.loads(run.results["comparison"]).items()
        run.register()
        assert run.results["alias"] == alias
    assert [(r.version, r.alias) for r in registry.list_models() if r.name == "rivals"] == [
        ("3", "champion")
    ]


def test_a_gain_below_the_one_asked_for_does_not_promote(new_run: NewRun) -> None:
    first = new_run("asks", "near")
    first.gate()
    first.register()
    run = new_run("asks", "exact", gate={"min_improvement": 0.5})
    run.gate()
    assert run.results["verdict"] == "pass"
    assert "an improvement of more than 0.5 is not shown" in run.results["reason"]


def test_a_champion_with_other_features_is_left_to_people(new_run: NewRun) -> None:
    first = new_run("moved", "swapped")
    first.gate()
    first.register()
    run = new_run("moved", "exact")
    run.gate()
    assert (run.results["verdict"], run.results["promote"]) == ("pass", "false")
    assert "it takes other features" in run.results["reason"]
    assert "mltk models promote moved challenger" in run.results["reason"]
    run.register()
    assert run.results["alias"] == "challenger"


@pytest.mark.parametrize(
    ("champion", "challenger", "words"),
    [
        ("seed-0", "seed-1", "split by another seed (0, not 1), so that some of these rows may"),
        ("older", "seed-1", "split by another seed (0, not 1)"),
        ("seed-0", "shares", "(validation 0.15, holdout 0.2, not validation 0.15, holdout 0.3)"),
        ("older", "shares", ""),
    ],
)
def test_a_champion_that_may_have_seen_the_rows_is_not_judged_by_them(
    new_run: NewRun, champion: str, challenger: str, words: str
) -> None:
    model = f"{champion}-{challenger}"
    first, run = new_run(model, champion), new_run(model, challenger)
    first.gate()
    first.register()
    run.gate()
    assert run.results["verdict"] == "pass"
    assert run.results["promote"] == ("false" if words else "true")
    assert (words or "better by") in run.results["reason"]
    run.register()
    assert run.results["alias"] == ("challenger" if words else "champion")
    assert ("mltk models promote" in run.results["reason"]) is bool(words)


def test_a_linear_model_that_does_better_is_told(new_run: NewRun, registry: Registry) -> None:
    run = new_run("bent", "near", rmse=0.5)
    note = "a linear model does better, rmse 0.1 against 0.5"
    assert f"pass: there is no champion yet; note: {note}" in run.gate().output
    assert run.results["reason"].endswith(f"; note: {note}")
    run.register()
    assert registry.history("bent")[0].reason == f"there is no champion yet; note: {note}"
    assert f"\nNote: {note}.\n" in run.report(**DONE).output


def test_a_promotion_that_was_overtaken_waits(new_run: NewRun, registry: Registry) -> None:
    slow, quick = new_run("overtaken", "near"), new_run("overtaken", "exact")
    slow.gate()
    quick.gate()
    quick.register()
    assert "became champion since the gate compared" in slow.register().output
    assert slow.results["alias"] == "challenger"


def test_a_failing_model_is_recorded_but_never_registered(
    new_run: NewRun, registry: Registry
) -> None:
    run = new_run("bad", "far", rmse=71.2, gate={"metrics": {"rmse": {"max": 60}}})
    assert "FAIL rmse 71.2 exceeds 60 by 11.2 m" in run.gate().output
    assert run.results["verdict"] == "fail"
    assert "error: 'bad' did not pass the gate" in run.register(code=4).output
    said = run.report(**DONE | {"register_model": "None"}).output
    assert said.startswith(
        "# bad: rejected by the gate: rmse 71.2 exceeds 60 by 11.2 m; rmse 71.2 does"
    )
    assert registry.champion("bad") is None

    assert (run.results["model-version"], run.results["alias"]) == ("", "")
    assert run.results["verdict"] == "fail"
    client = registry.connection.client
    logged = client.get_run(run.results["tracking-run"])
    assert logged.data.metrics["rmse"] == 71.2
    assert logged.data.tags["mltk.outcome"] == "rejected"
    assert "exceeds 60 by 11.2 m" in logged.data.tags["mltk.reason"]


def test_an_unknown_metric_in_the_gate_is_a_mistake_of_the_project(new_run: NewRun) -> None:
    run = new_run("typo", "near", gate={"metrics": {"rsme": {"max": 60}}})
    said = run.gate(code=3).output
    assert "did you mean 'rmse'" in said
    assert "gate.metrics.rsme" in said


def test_a_kill_between_any_two_words_with_mlflow(new_run: NewRun, registry: Registry) -> None:
    # Imported once for all the attempts, which are forks of this process.
    import mltk.registry.warm  # noqa: F401

    run = new_run("killed", "near")
    root = run.workspace.root
    tracking = [f"--tracking-uri={registry.connection.uri}", "--experiment=plane"]
    whose = [*tracking, f"--run-name=run-{run.uid}", f"--run-uid={run.uid}"]
    task = "--task=gate-model=Succeeded"
    assert survives(root, ["gate", f"--workspace={root}", *tracking]) >= 1
    assert survives(root, ["register", f"--workspace={root}", *whose], _calls_of_mlflow) > 5
    assert survives(root, ["report", f"--workspace={root}", task, *whose], _calls_of_mlflow, 3) > 3

    champion = registry.champion("killed")
    assert champion is not None and champion.version == "1"
    assert len(registry.history("killed")) == 1
    client, experiment = registry.connection.client, registry.connection.experiment_id
    found = client.search_runs([experiment], f"tags.`mltk.run-uid` = '{run.uid}'")
    assert sorted(each.data.tags["mltk.task"] for each in found) == ["", "gate-model"]


def _calls_of_mlflow(before_call: Callable[[], None]) -> None:
    from mlflow import MlflowClient

    for name, method in vars(MlflowClient).copy().items():
        if callable(method) and not name.startswith("_"):
            setattr(MlflowClient, name, _after(before_call, method))


def _after(first: Callable[[], None], method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def called(*args: Any, **options: Any) -> Any:
        first()
        return method(*args, **options)

    return called


def test_a_report_holds_everything_in_one_place(new_run: NewRun, registry: Registry) -> None:
    run = new_run("told", "near")
    run.gate()
    run.register()
    said = run.report(**DONE).output
    assert said.startswith("# told: version 1, champion\n")
    assert "| rmse | 0.1 m | 0.05 to 0.15 | 2 | 0.1 |" in said
    assert "token" not in said
    again = run.results["tracking-run"]
    run.report(**DONE)
    assert run.results["tracking-run"] == again
    assert json.loads(run.results["metrics"]) == {"rmse": 0.1}
    assert (run.results["model"], run.results["alias"]) == ("told", "champion")

    client = registry.connection.client
    parent = client.get_run(again)
    assert (parent.info.run_name, parent.info.status) == (f"run-{run.uid}", "FINISHED")
    assert parent.data.params["training.epochs"] == "200"
    assert parent.data.metrics["rmse.low"] == pytest.approx(0.05)
    assert parent.data.tags["mlflow.source.git.commit"] == "f" * 40
    assert parent.data.tags["mlflow.source.git.repoURL"] == "https://host/r.git"
    data = parent.inputs.dataset_inputs[0].dataset
    assert data.digest == "md5:" + "a" * 32
    assert json.loads(data.source) == {"repository": "https://host/r.git", "path": "t.csv"}
    artifacts = {file.path for file in client.list_artifacts(again)}
    assert artifacts == {"report.md", "plots", "records", "data-report.md", "data-report.html"}
    children = client.search_runs(
        [registry.connection.experiment_id], f"tags.`mlflow.parentRunId` = '{again}'"
    )
    assert {child.info.run_name for child in children} == {name.replace("_", "-") for name in DONE}
    (training,) = [child for child in children if child.info.run_name == "train-model"]
    history = client.get_metric_history(training.info.run_id, "epoch/loss")
    assert [(point.step, point.value) for point in history] == [(1, 3.0), (2, 2.0)]


def test_a_run_that_failed_early_is_reported_too(new_run: NewRun, registry: Registry) -> None:
    run = new_run("early", "near")
    shutil.rmtree(run.workspace.root)
    run.workspace.root.mkdir()
    said = run.report(
        "--model=early",
        "--repo-url=https://user:secret@host/r.git",
        "--revision=" + "e" * 40,
        fetch_data="Failed",
        train_model="None",
        gate_model="None",
    ).output
    assert said.startswith("# early: failed in fetch-data\n")
    assert f"- revision {'e' * 40} of https://host/r.git" in said
    assert {k: v for k, v in run.results.items() if v} == {
        "model": "early",
        "tracking-run": run.results["tracking-run"],
    }
    client = registry.connection.client
    logged = client.get_run(run.results["tracking-run"])
    assert logged.info.status == "FAILED"
    assert logged.data.tags["mltk.task.train-model"] == "None"


def test_a_report_is_told_even_when_mlflow_is_down(new_run: NewRun) -> None:
    run = new_run("down", "near")
    run.registry = Registry("http://127.0.0.1:9", "e")
    said = run.report(code=5, **DONE | {"gate_model": "Failed"}).output
    assert "# down: failed in gate-model" in said
    assert "error: MLflow does not answer at http://127.0.0.1:9" in said
    assert (run.results["model"], run.results["tracking-run"]) == ("down", "")


def test_a_registered_bundle_is_proven_again(
    new_run: NewRun, registry: Registry, tmp_path: Path
) -> None:
    run = new_run("proven", "near")
    run.gate()
    run.register()
    shutil.rmtree(run.workspace.root)
    proof = verify_registered(registry, "proven")
    assert proof.version.digest == proof.verification.digest
    assert {check.backend for check in proof.verification.backends} == {"cpu", "wasm"}

    client = registry.connection.client
    stored = Path(client.get_model_version_download_uri("proven", "1"))
    shard = next(stored.glob("*.bin"))
    shard.write_bytes(bytes(len(shard.read_bytes())))
    with pytest.raises(StepError, match=f"{shard.name} is changed"):
        verify_registered(registry, "proven")


def test_a_bundle_may_be_as_far_off_as_the_gate_allowed_and_no_farther(
    new_run: NewRun, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, parity in (("strict", 1e-4), ("loose", 0.3)):
        run = new_run(name, "near", gate={"parity": parity})
        _put_off(run.workspace.bundle, 0.1)
        run.gate()
        run.register()
        assert registry.version(name).lineage.parity == parity
    assert verify_registered(registry, "loose").verification.backends[0].max_relative_error > 0.01
    with pytest.raises(StepError, match=r"the golden rows are off by .* more than 0\.0001"):
        verify_registered(registry, "strict")

    monkeypatch.chdir(tmp_path)
    for export, proven in (("{}", False), ("{quantization: uint8, tolerance: 0.3}", True)):
        (tmp_path / "mltk.yaml").write_text(_STRICT.format(export=export), encoding="utf-8")
        command = ["verify", "strict", f"--tracking-uri={registry.connection.uri}"]
        done = CliRunner().invoke(models, command)
        assert (done.exit_code == 0) == proven, done.output


_STRICT = """
project: plane
models:
  strict:
    problem: regression
    data: {{path: t.csv}}
    target: {{name: y}}
    features: [{{name: a}}, {{name: b}}]
    export: {export}
"""


def _put_off(bundle: Path, share: float) -> None:
    """Move what the golden rows of a bundle expect, as an export that is not exact would."""
    manifest = bundle / "bundle.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    values = told["golden"]["outputs"]["prediction"]["data"]
    values[0] += share * max(map(abs, values))
    manifest.write_text(json.dumps(told), encoding="utf-8")


def test_a_deployed_model_is_served_from_its_channel(new_run: NewRun, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for bundle in ("near", "exact", "exact"):
        run = new_run("served", bundle)
        run.gate()
        run.register()
        run.step("deploy", f"--folder={site}", wants=("url",))
    with _serving(site) as root:
        channel = _get(f"{root}/models/served/channel.json")
        path = channel["champion"]["path"]
        assert f"/models/served/{path}" == run.results["url"] + "model.json"
        assert "modelTopology" in _get(f"{root}/models/served/{path}")
    assert channel["champion"]["version"] == "2"
    assert channel["previous"]["version"] == "1"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _get(url: str) -> Any:
    with urlopen(url) as answer:
        return json.load(answer)
