"""What Tekton is set to, and what that allows, forbids and fills in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.admission import admit
from mltk.tekton.config import TEKTONS, Config, ConfigError, Defaults, FeatureFlags
from mltk.tekton.defaults import with_defaults, with_resolver

from .tekton_simulation import STEPS, Simulation, task

Obj = dict[str, Any]
STABLE = Config(FeatureFlags(api_fields="stable"))


def settings(name: str, namespace: str = "tekton-pipelines", **data: str) -> Obj:
    keyed = {key.replace("_", "-"): value for key, value in data.items()}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": keyed}


def made(kind: str, **spec: Any) -> Obj:
    return {"apiVersion": "tekton.dev/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}


def test_a_status_shows_the_flags_that_tekton_shows() -> None:
    assert TEKTONS.provenance == {
        "featureFlags": {
            "runningInEnvWithInjectedSidecars": True,
            "enableAPIFields": "beta",
            "sendCloudEventsForRuns": True,
            "awaitSidecarReadiness": True,
            "enforceNonfalsifiability": "none",
            "verificationNoMatchPolicy": "ignore",
            "enableProvenanceInStatus": True,
            "resultExtractionMethod": "termination-message",
            "maxResultSize": 4096,
            "coschedule": "workspaces",
        }
    }
    assert Config(FeatureFlags.read({"enable-provenance-in-status": "f"})).provenance == {}


def test_a_reference_that_names_nothing_is_for_the_default_resolver() -> None:
    resolver = Defaults.read({"default-resolver-type": "git"}).resolver
    asked, named = {"params": [{"name": "url", "value": "u"}]}, {"name": "n"}
    embedded = {"steps": [{"ref": asked}, {"ref": named}]}
    spec = {"pipelineSpec": {"tasks": [{"taskRef": {}}, {"taskSpec": embedded}]}}
    found = with_resolver(made("PipelineRun", **spec), resolver)["spec"]["pipelineSpec"]["tasks"]
    steps = [{"ref": {**asked, "resolver": "git"}}, {"ref": named}]
    assert found == [{"taskRef": {"resolver": "git"}}, {"taskSpec": {"steps": steps}}]
    other = made("TaskRun", taskRef={"resolver": "hub"}, params=[{"value": {"taskRef": {}}}])
    assert with_resolver(other, resolver) == other
    assert with_resolver(made("TaskRun", taskRef={}), "") == made("TaskRun", taskRef={})
    assert with_resolver({"kind": "Task", "spec": [1]}, resolver)["spec"] == [1]


def test_flags_are_read_as_go_reads_them() -> None:
    read = FeatureFlags.read(
        {
            "enable-api-fields": "Alpha",
            "enable-param-enum": "T",
            "max-result-size": "9",
            "other": "?",
        }
    )
    assert (read.api_fields, read.param_enum, read.max_result_size) == ("alpha", True, 9)
    assert FeatureFlags.read({}) == FeatureFlags()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "enable-param-enum",
            "yes",
            'failed parsing feature flags config "yes": strconv.ParseBool: parsing "yes": '
            "invalid syntax for feature enable-param-enum",
        ),
        (
            "disable-creds-init",
            "",
            'failed parsing feature flags config "": strconv.ParseBool: parsing "": invalid syntax',
        ),
        ("enable-api-fields", "gamma", 'invalid value for feature flag "enable-api-fields": "gam'),
        ("max-result-size", "big", 'strconv.Atoi: parsing "big": invalid syntax'),
        ("max-result-size", "1572864", "This is exceeding the CRD limit"),
    ],
)
def test_a_flag_of_another_kind_is_refused(key: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        FeatureFlags.read({key: value})
    assert message in str(refusal.value)
    with pytest.raises(AdmissionError, match="configmap/feature-flags: data") as refused:
        admit(settings("feature-flags", **{key: value}))
    assert message in refused.value.what


def test_defaults_are_read() -> None:
    read = Defaults.read(
        {
            "default-timeout-minutes": "5",
            "default-service-account": "bot",
            "default-managed-by-label-value": "me",
            "default-max-matrix-combinations-count": "3",
            "default-task-run-workspace-binding": "emptyDir: {}",
        }
    )
    assert read == Defaults(timedelta(minutes=5), "bot", "me", 3, binding="emptyDir: {}")
    with pytest.raises(ConfigError, match='failed parsing default config "default-timeout-min'):
        Defaults.read({"default-timeout-minutes": "5m"})


def test_settings_that_nobody_honours_here_are_refused_or_told() -> None:
    with pytest.raises(AdmissionError, match="'spire' is not done yet") as refusal:
        admit(settings("feature-flags", enforce_nonfalsifiability="spire"))
    assert refusal.value.where == "configmap/feature-flags: data.enforce-nonfalsifiability"
    told = admit(settings("feature-flags", coschedule="disabled", enable_api_field="alpha"))
    assert told[0].endswith("data.coschedule: 'coschedule' has no effect here")
    assert "did you mean 'enable-api-fields'?" in told[1]
    with pytest.raises(AdmissionError, match="must hold keys and texts"):
        admit({**settings("config-defaults"), "data": {"default-timeout-minutes": 5}})
    assert (
        admit(settings("feature-flags", namespace="lab", enforce_nonfalsifiability="spire")) == []
    )
    assert admit(settings("other", enforce_nonfalsifiability="spire")) == []


@pytest.mark.parametrize(
    ("refused", "config", "where", "what"),
    [
        (
            made("Pipeline", tasks=[task("a", onError="continue")]),
            STABLE,
            "spec.tasks[0].onError",
            'OnError requires "enable-api-fields" feature gate to be "alpha" or "beta" but it is '
            '"stable"',
        ),
        (
            made("TaskRun", taskRef={"name": "t"}, computeResources={"limits": {"cpu": "1"}}),
            STABLE,
            "spec.computeResources",
            'computeResources requires "enable-api-fields" feature gate',
        ),
        (
            made("PipelineRun", pipelineSpec={"tasks": [task("a")]}),
            Config(FeatureFlags(disable_inline_spec="taskrun,pipelinerun")),
            "spec.pipelineSpec",
            "must not set the field(s)",
        ),
        (
            made("PipelineRun", pipelineRef={"name": "p"}, timeouts={"tasks": "20m"}),
            Config(defaults=Defaults(timeout=timedelta(minutes=5))),
            "spec.timeouts.tasks",
            "20m0s should be <= pipeline duration",
        ),
    ],
)
def test_what_the_settings_forbid(refused: Obj, config: Config, where: str, what: str) -> None:
    admit(refused)
    with pytest.raises(AdmissionError) as refusal:
        admit(refused, config)
    assert (refusal.value.where or "").endswith(f": {where}")
    assert what in refusal.value.what


def test_runs_are_made_with_what_they_leave_out() -> None:
    mine = Defaults(timedelta(minutes=5), "bot", "me")
    run = with_defaults(made("PipelineRun", timeouts={"tasks": "1m"}), mine)
    assert run["spec"]["timeouts"] == {"pipeline": "5m0s", "tasks": "1m0s"}
    assert run["spec"]["taskRunTemplate"] == {"serviceAccountName": "bot"}
    alone = with_defaults(made("TaskRun", taskRef={"name": "t"}), mine)
    assert alone["spec"] == {
        "taskRef": {"name": "t", "kind": "Task"},
        "serviceAccountName": "bot",
        "timeout": "5m0s",
    }
    assert alone["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "me"}
    said = made("TaskRun", taskSpec={"steps": STEPS}, timeout="0s", serviceAccountName="own")
    assert with_defaults(said, mine)["spec"] == said["spec"]
    assert with_defaults(made("Task"), mine) == made("Task")


def test_task_runs_take_the_defaults_of_the_installation() -> None:
    config = Config(defaults=Defaults(timedelta(minutes=5), "bot", "me"))
    sim = Simulation({"tasks": [task("a")]}, config=config, timeouts={"tasks": "10m"})
    sim.step()
    (made_run,) = sim.task_runs.values()
    assert made_run["spec"]["timeout"] == "10m0s"
    assert made_run["spec"]["serviceAccountName"] == "bot"
    assert made_run["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "me"
    assert sim.run["status"]["provenance"] == config.provenance
