"""Runs whose Pipeline and Tasks a resolver finds."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from mltk.local.resolvers.base import Errand, Found, Resolver
from mltk.tekton.attempts import awaiting
from mltk.tekton.objects import Obj, is_success, labels_of, message, reason, status_of
from mltk.tekton.remote import Request, Unresolved
from tests.func.local.conftest import Local, pipeline_run

from .conftest import Bench, config_map, greeter, listed, ref, task_run, text_of


class Shelf:
    """A resolver of the test: texts by name, given when `opened`; `asked` are the names."""

    type, name = "shelf", "Shelf"
    config, flag = "shelf-config", "enable-shelf-resolver"

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.asked: list[str] = []
        self.opened = threading.Event()
        self.opened.set()
        self.defaults: Mapping[str, str] = {}

    def check(self, errand: Errand) -> None:
        if "name" not in errand.params:
            raise Unresolved("missing required shelf resolver params: name")

    def is_immutable(self, errand: Errand) -> bool:
        return errand.params["name"].startswith("fixed")

    def resolve(self, errand: Errand) -> Found:
        name = errand.params["name"]
        self.asked.append(name)
        while not self.opened.wait(0.05):
            errand.deadline.left()
        if name not in self.texts:
            raise Unresolved(f"there is no {name} on the shelf")
        return Found(self.texts[name].encode(), {"uri": f"shelf:{name}", "digest": {"x": "y"}})


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The one resolver that there is."""
    made = Shelf(greeter=greeter())
    table: Mapping[str, Resolver] = {"shelf": made}
    monkeypatch.setattr("mltk.local.resolvers.table.RESOLVERS", table)
    return made


def by_shelf(name: str, **params: Any) -> Obj:
    return ref("shelf", name=name, **params)


def run_of(name: str, reference: Obj, **spec: Any) -> Obj:
    made = pipeline_run(name)
    return {**made, "spec": {"pipelineRef": reference, **spec}}


def pipeline(*tasks: Obj, **spec: Any) -> str:
    return text_of("Pipeline", "found", {"tasks": list(tasks), **spec})


def test_a_task_run_runs_a_task_from_elsewhere(local: Local, shelf: Shelf) -> None:
    run = local.run(task_run("a", by_shelf("$(params.which)"), params=listed({"which": "greeter"})))
    assert is_success(run), message(run)
    assert local.log("a") == "hello world"
    assert labels_of(run)["tekton.dev/task"] == "greeter"
    source = {"uri": "shelf:greeter", "digest": {"x": "y"}}
    assert status_of(run)["provenance"]["refSource"] == source
    assert status_of(run)["taskSpec"] == json.loads(greeter())["spec"]


def test_a_run_runs_a_pipeline_from_elsewhere_and_its_tasks(local: Local, shelf: Shelf) -> None:
    shelf.texts["pipe"] = pipeline(
        {"name": "t", "taskRef": by_shelf("$(params.which)"), "params": listed({"who": "you"})},
        {
            "name": "u",
            "taskRef": by_shelf("greeter"),
            "params": listed({"who": "$(context.pipeline.name)"}),
        },
        params=[{"name": "which"}],
    )
    which = {"which": "greeter"}
    run = local.run(run_of("a", by_shelf("pipe"), params=listed(which)))
    assert is_success(run), message(run)
    assert (local.log("a-t"), local.log("a-u")) == ("hello you", "hello found")
    assert labels_of(run)["tekton.dev/pipeline"] == "found"
    assert status_of(run)["provenance"]["refSource"]["uri"] == "shelf:pipe"
    child = local.task_run("a-t")
    assert labels_of(child)["tekton.dev/pipeline"] == "found"
    assert child["spec"]["taskRef"] == by_shelf("greeter")
    assert status_of(child)["provenance"]["refSource"]["uri"] == "shelf:greeter"
    # The run and its child are one asker.
    assert sorted(shelf.asked) == ["greeter", "greeter", "pipe"]


def test_the_deciding_thread_waits_for_nobody(local: Local, shelf: Shelf) -> None:
    shelf.opened.clear()
    shelf.texts["pipe"] = pipeline({"name": "t", "taskRef": by_shelf("greeter")})
    local.backend.create(run_of("slow", by_shelf("pipe")))
    local.backend.create(pipeline_run("quick", {"name": "t", "taskSpec": _plain()}))
    seen: list[tuple[str, str]] = []
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(local.engine().run, ["slow", "quick"])
        for event in local.backend.watch("PipelineRun"):
            seen.append((event.obj["metadata"]["name"], reason(event.obj)))
            if seen[-1] == ("quick", "Succeeded"):
                break
        assert ("slow", "ResolvingPipelineRef") in seen
        waiting = local.backend.get("PipelineRun", "slow", "default")
        assert message(waiting) == "PipelineRun default/slow awaiting remote resource"
        shelf.opened.set()
        assert all(map(is_success, driven.result()))


def test_a_task_run_says_that_it_waits_and_can_be_cancelled(local: Local, shelf: Shelf) -> None:
    shelf.opened.clear()
    local.backend.create(task_run("a", by_shelf("greeter")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(local.engine().run, ["a"], kind="TaskRun")
        for event in local.backend.watch("TaskRun"):
            if reason(event.obj) == "ResolvingTaskRef":
                assert message(event.obj) == "TaskRun default/a awaiting remote resource"
                break
        patch = {"spec": {"status": "TaskRunCancelled"}}
        local.backend.patch("TaskRun", "a", "default", patch)
        assert reason(driven.result()[0]) == "TaskRunCancelled"


def test_what_waits_for_tasks_says_so_and_can_be_cancelled(local: Local, shelf: Shelf) -> None:
    shelf.opened.clear()
    tasks = [{"name": name, "taskRef": by_shelf(name)} for name in ("t", "u")]
    local.backend.create(pipeline_run("a", *tasks))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(local.engine().run, ["a"])
        for event in local.backend.watch("PipelineRun"):
            if reason(event.obj) == "ResolvingTaskRef":
                break
        local.backend.patch("PipelineRun", "a", "default", {"spec": {"status": "Cancelled"}})
        assert reason(driven.result()[0]) == "Cancelled"
    assert not local.backend.list("TaskRun")


def test_an_engine_that_starts_anew_keeps_answers_and_asks_again(
    local: Local, shelf: Shelf
) -> None:
    made = local.backend.create(task_run("a", by_shelf("greeter")))
    owner = {"kind": "TaskRun", "name": "a", "uid": made["metadata"]["uid"]}
    request = Request("shelf", listed({"name": "greeter"}), "a", "default")
    # By an engine that was killed.
    asked = local.backend.store.insert(request.to_object(owner))
    waiting = awaiting(made, "Task", datetime.now(UTC))
    local.backend.store.set_status(made, waiting)
    run = local.engine().run(["a"], kind="TaskRun")[0]
    assert is_success(run)
    assert shelf.asked == ["greeter"]
    again = local.backend.store.get("ResolutionRequest", asked["metadata"]["name"])
    assert status_of(again)["refSource"]["uri"] == "shelf:greeter"
    local.backend.delete("TaskRun", "a")
    assert not local.backend.list("ResolutionRequest")


def test_an_answer_of_before_is_not_asked_for_again(local: Local, shelf: Shelf) -> None:
    local.run(task_run("a", by_shelf("greeter")))
    answered = local.backend.list("ResolutionRequest")[0]
    local.backend.delete("TaskRun", "a")
    made = local.backend.create(task_run("a", by_shelf("greeter")))
    owners = [{**answered["metadata"]["ownerReferences"][0], "uid": made["metadata"]["uid"]}]
    local.backend.store.insert({**answered, "metadata": {
        **answered["metadata"], "ownerReferences": owners}})  # fmt: skip
    assert is_success(local.engine().run(["a"], kind="TaskRun")[0])
    assert shelf.asked == ["greeter"]


@pytest.mark.parametrize(
    ("text", "why", "said"),
    [
        (
            None,
            "TaskRunResolutionFailed",
            'error requesting remote resource: error getting "Shelf" "default/shelf-[0-9a-f]{32}": '
            "there is no it on the shelf",
        ),
        (
            "{",
            "TaskRunResolutionFailed",
            r"resolved resource validation error: decoding error: not YAML",
        ),
        (
            '{"apiVersion": "v1", "kind": "Secret"}',
            "TaskRunResolutionFailed",
            r"resolved data is not of a supported type, must be of Group: tekton.dev, Kinds: "
            r"\[PipelineRun Pipeline TaskRun Task Run CustomRun StepAction\]",
        ),
        (text_of("Pipeline", "p", {}), "TaskRunResolutionFailed", "^resource is not a task$"),
        (
            text_of("Task", "empty", {"steps": []}),
            "TaskValidationFailed",
            "^validation failed for referenced object empty: admission webhook .* denied the requ",
        ),
        ("[]", "TaskRunResolutionFailed", "decoding error"),
    ],
)
def test_a_task_that_cannot_be_had_ends_its_task_run(
    local: Local, shelf: Shelf, text: str | None, why: str, said: str
) -> None:
    if text is not None:
        shelf.texts["it"] = text
    run = local.run(task_run("a", by_shelf("it"), retries=1))
    assert reason(run) == why
    assert re.search(said, message(run)), message(run)
    assert len(status_of(run)["retriesStatus"]) == 1


@pytest.mark.parametrize(
    ("text", "why", "said"),
    [
        (
            None,
            "CouldntGetPipeline",
            "^Error retrieving pipeline for pipelinerun default/a: resolver failed to get Pipeline "
            ': error requesting remote resource: error getting "Shelf" "default/shelf-',
        ),
        (
            greeter(),
            "CouldntGetPipeline",
            "failed to read runtime object as Pipeline: resource is not a pipeline$",
        ),
        (
            text_of("Pipeline", "empty", {"tasks": []}),
            "PipelineValidationFailed",
            r"^Failed dryRunValidation for PipelineRun a: \[User error\] failed to read runtime "
            "object as Pipeline: validation failed for referenced object empty: ",
        ),
        (
            text_of("Pipeline", "p", {"tasks": [{"name": "t", "taskRef": by_shelf("gone")}]}),
            "CouldntGetTask",
            "^Pipeline default/p can't be Run; it contains Tasks that don't exist: Couldn't "
            r'retrieve Task "resolver type shelf\\nname = gone\\n": error requesting remote '
            'resource: error getting "Shelf" "default/shelf-.*": there is no gone on the shelf$',
        ),
    ],
)
def test_a_pipeline_that_cannot_be_had_ends_its_run(
    local: Local, shelf: Shelf, text: str | None, why: str, said: str
) -> None:
    if text is not None:
        shelf.texts["it"] = text
    run = local.run(run_of("a", by_shelf("it")))
    assert reason(run) == why
    assert re.search(said, message(run)), message(run)
    assert "completionTime" in status_of(run)


def test_a_pipeline_within_a_pipeline_comes_from_elsewhere(local: Local, shelf: Shelf) -> None:
    flags = {"enable-api-fields": "alpha"}
    local.backend.create(config_map("feature-flags", flags, "tekton-pipelines"))
    shelf.texts["pipe"] = pipeline({"name": "t", "taskRef": by_shelf("greeter")})
    run = local.run(pipeline_run("a", {"name": "p", "pipelineRef": by_shelf("pipe")}))
    assert is_success(run), message(run)
    assert local.log("a-p-t") == "hello world"
    child = local.backend.get("PipelineRun", "a-p", "default")
    assert labels_of(child)["tekton.dev/pipeline"] == "found"
    run = local.run(pipeline_run("b", {"name": "p", "pipelineRef": by_shelf("gone")}))
    said = (
        "^Pipeline default/b can't be Run; it contains child Pipelines that don't exist: Couldn't "
        r'retrieve Pipeline "resolver type shelf\\nname = gone\\n": resolver failed to get '
        "Pipeline : error requesting remote resource: "
    )
    assert reason(run) == "CouldntGetPipeline"
    assert re.search(said, message(run)), message(run)


def test_a_pending_run_asks_nobody(local: Local, shelf: Shelf) -> None:
    made = local.backend.create(run_of("a", by_shelf("it"), status="PipelineRunPending"))
    local.backend.patch("PipelineRun", "a", "default", {"spec": {"status": "Cancelled"}})
    assert reason(local.engine().run(["a"])[0]) == "Cancelled"
    assert made["spec"]["status"] == "PipelineRunPending"
    assert shelf.asked == []


def test_objects_of_an_older_version_are_taken(local: Local, shelf: Shelf) -> None:
    resources = {"requests": {"cpu": "1"}}
    spec = {"steps": [{**_plain()["steps"][0], "resources": resources}]}
    shelf.texts["old"] = text_of("Task", "old", spec, "tekton.dev/v1beta1")
    run = local.run(task_run("a", by_shelf("old")))
    assert is_success(run), message(run)
    assert status_of(run)["taskSpec"]["steps"][0]["computeResources"] == resources


def test_a_resolver_that_never_answers_is_not_waited_for(local: Local, shelf: Shelf) -> None:
    shelf.opened.clear()
    limit = {"default-maximum-resolution-timeout": "300ms"}
    local.backend.create(config_map("config-defaults", limit, "tekton-pipelines"))
    run = local.run(task_run("a", by_shelf("greeter")))
    said = "error requesting remote resource: resolution took longer than global timeout of 300ms"
    assert (reason(run), message(run)) == ("TaskRunResolutionFailed", said)


def test_a_reference_without_a_resolver_is_for_the_one_of_the_settings(
    local: Local, shelf: Shelf
) -> None:
    default = {"default-resolver-type": "shelf"}
    local.backend.create(config_map("config-defaults", default, "tekton-pipelines"))
    run = local.run(task_run("a", {"params": listed({"name": "greeter"})}))
    assert is_success(run), message(run)
    assert run["spec"]["taskRef"] == by_shelf("greeter")


def test_a_resolver_that_breaks_tells_of_what(
    local: Local, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "resolve", lambda errand: 1 / 0)
    run = local.run(task_run("a", by_shelf("greeter")))
    assert message(run) == "error requesting remote resource: ZeroDivisionError: division by zero"


def test_a_resolver_that_is_switched_off_or_not_there_is_told(bench: Bench, shelf: Shelf) -> None:
    flags = {"enable-shelf-resolver": "false"}
    bench.store.create(config_map("resolvers-feature-flags", flags))
    off = "cannot handle resolution request, enable-shelf-resolver feature flag not true"
    with pytest.raises(Unresolved, match=off):
        bench.ask("shelf", name="greeter")
    with pytest.raises(Unresolved, match=r"there is no resolver 'self' \(known: shelf\)"):
        bench.ask("self", name="greeter")


def test_params_that_cannot_be_meant_are_an_invalid_request(bench: Bench, shelf: Shelf) -> None:
    start = 'error requesting remote resource: invalid resource request "default/shelf-.*": '
    with pytest.raises(Unresolved, match=f"{start}missing required shelf resolver params: name"):
        bench.ask("shelf", other="x")
    with pytest.raises(Unresolved, match=f"{start}invalid cache mode 'x', must be one of: "):
        bench.ask("shelf", name="greeter", cache="x")


@pytest.mark.parametrize(
    ("name", "mode", "default", "times"),
    [
        ("greeter", "always", "", 1),
        ("greeter", "auto", "", 2),
        ("fixed", "auto", "", 1),
        ("fixed", "", "", 1),
        ("fixed", "never", "always", 2),
        ("greeter", "", "always", 1),
    ],
)
def test_a_document_is_kept_as_it_was_asked_for(
    local: Local, shelf: Shelf, name: str, mode: str, default: str, times: int
) -> None:
    shelf.defaults = {"default-cache-mode": default}
    shelf.texts["fixed"] = greeter()
    engine = local.engine()
    for run in ("a", "b"):
        local.backend.create(task_run(run, by_shelf(name, cache=mode)))
        assert is_success(engine.run([run], kind="TaskRun")[0])
    assert len(shelf.asked) == times


def test_a_document_is_kept_for_its_time(local: Local, shelf: Shelf) -> None:
    shelf.texts["fixed"] = greeter()
    shelf.defaults = {"ttl": "1us"}
    engine = local.engine()
    for run in ("a", "b"):
        local.backend.create(task_run(run, by_shelf("fixed")))
        engine.run([run], kind="TaskRun")
    assert len(shelf.asked) == 2


def test_a_step_runs_a_step_action_from_elsewhere(local: Local, shelf: Shelf) -> None:
    action = {
        "image": "none",
        "params": [{"name": "word", "default": "hello"}],
        "env": [{"name": "WORD", "value": "$(params.word)"}],
        "script": "echo $WORD",
    }
    shelf.texts["action"] = text_of("StepAction", "action", action, "tekton.dev/v1alpha1")
    shelf.texts["bad"] = text_of("StepAction", "bad", {}, "tekton.dev/v1beta1")
    steps = [{"name": "s0", "ref": by_shelf("$(params.which)")}]
    spec: Obj = {"params": [{"name": "which", "default": "action"}], "steps": steps}

    def run_with(name: str, **given: str) -> Obj:
        run = task_run(name, {}, taskSpec=spec, params=listed(given))
        del run["spec"]["taskRef"]
        return local.run(run)

    run = run_with("a")
    assert is_success(run), message(run)
    assert local.log("a") == "hello"
    source = {"uri": "shelf:action", "digest": {"x": "y"}}
    assert status_of(run)["steps"][0]["provenance"] == {"refSource": source}
    for name, why, said in (
        ("gone", "TaskRunResolutionFailed", "error requesting remote resource: error getting "),
        ("greeter", "TaskRunResolutionFailed", "resource is not a StepAction$"),
        ("bad", "TaskValidationFailed", "validation failed for referenced object bad: "),
    ):
        run = run_with(name, which=name)
        start = 'failed to resolve step ref for step "s0" \\(index 0\\): '
        assert reason(run) == why
        assert re.search(start + said, message(run)), message(run)


def test_a_step_in_a_pipeline_runs_a_step_action_from_elsewhere(local: Local, shelf: Shelf) -> None:
    action = {"image": "none", "script": "echo hello"}
    shelf.texts["action"] = text_of("StepAction", "action", action, "tekton.dev/v1beta1")
    task = {"name": "t", "taskSpec": {"steps": [{"name": "s0", "ref": by_shelf("action")}]}}
    run = local.run(pipeline_run("a", task))
    assert is_success(run), message(run)
    assert local.log("a-t") == "hello"


def test_a_task_run_says_that_it_waits_for_a_step_action(local: Local, shelf: Shelf) -> None:
    shelf.opened.clear()
    run = task_run("a", {}, taskSpec={"steps": [{"name": "s0", "ref": by_shelf("gone")}]})
    del run["spec"]["taskRef"]
    local.backend.create(run)
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(local.engine().run, ["a"], kind="TaskRun")
        for event in local.backend.watch("TaskRun"):
            if reason(event.obj) == "ResolvingStepActionRef":
                assert message(event.obj) == "TaskRun default/a awaiting remote StepAction"
                break
        shelf.opened.set()
        assert reason(driven.result()[0]) == "TaskRunResolutionFailed"


def _plain() -> Obj:
    return {"steps": [{"name": "s0", "image": "none", "script": "true"}]}
