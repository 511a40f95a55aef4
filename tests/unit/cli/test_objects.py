"""get, describe, logs, cancel, delete and wait over a real store."""

from __future__ import annotations

import json

import yaml

from mltk.local.ownership import Ownership

from .conftest import Said, Shell, pipeline_run, task_run

TASK = {
    "apiVersion": "tekton.dev/v1",
    "kind": "Task",
    "metadata": {"name": "say"},
    "spec": {
        "description": "Says a word.\n\nMore of it.",
        "params": [{"name": "word", "default": "hi", "description": "What to say."}],
        "steps": [{"name": "speak", "image": "busybox", "script": "echo"}],
    },
}


def _runs(shell: Shell) -> None:
    shell.keep(pipeline_run("older", "Failed"))
    shell.keep(pipeline_run("talk-abcde", labels={"team": "a"}))
    shell.keep(task_run("talk-abcde-first", "first"))


def test_a_table_of_runs_newest_first(shell: Shell) -> None:
    _runs(shell)
    lines = shell.mltk("get", "pr").out.splitlines()
    assert lines[0].split() == ["NAME", "STARTED", "DURATION", "STATUS"]
    assert [line.split()[0] for line in lines[1:]] == ["talk-abcde", "older"]
    assert lines[1].split()[-2:] == ["2m5s", "Succeeded"]


def test_kinds_in_all_the_ways_of_kubectl(shell: Shell) -> None:
    _runs(shell)
    for words in (
        ("pipelineruns", "older"),
        ("PipelineRun", "older"),
        ("pr/older",),
        ("pipelinerun.tekton.dev/older",),
    ):
        assert shell.mltk("get", *words, "-o", "json").json["metadata"]["name"] == "older"


def test_several_objects_are_a_list(shell: Shell) -> None:
    _runs(shell)
    listed = yaml.safe_load(shell.mltk("get", "pr", "-o", "yaml").out)
    assert (listed["apiVersion"], listed["kind"], len(listed["items"])) == ("v1", "List", 2)
    named = shell.mltk("get", "pr/older", "tr/talk-abcde-first", "-o", "json").json
    assert [each["kind"] for each in named["items"]] == ["PipelineRun", "TaskRun"]


def test_names_and_jsonpath(shell: Shell) -> None:
    _runs(shell)
    assert shell.mltk("get", "pr", "-l", "team=a", "-o", "name").out == (
        "pipelinerun.tekton.dev/talk-abcde\n"
    )
    asked = "jsonpath={.items[*].metadata.name}"
    assert shell.mltk("get", "pr", "-o", asked).out == "talk-abcde older\n"
    assert "is none of" in shell.mltk("get", "pr", "-o", "xml", code=2).err


def test_namespaces(shell: Shell) -> None:
    _runs(shell)
    shell.keep(pipeline_run("elsewhere", metadata={"namespace": "lab"}))
    assert "elsewhere" not in shell.mltk("get", "pr").out
    assert shell.mltk("get", "pr", "-n", "lab", "-o", "name").out.count("\n") == 1
    assert shell.mltk("get", "pr", "-A").out.splitlines()[1].split()[:2] == ["lab", "elsewhere"]


def test_nothing_there_is_no_error(shell: Shell) -> None:
    said = shell.mltk("get", "pr")
    assert (said.out, said.err) == ("", "No objects found.\n")
    assert shell.mltk("get", "pr", "-o", "json").json["items"] == []


def test_what_is_not_there_brings_the_nearest(shell: Shell) -> None:
    _runs(shell)
    said = shell.mltk("get", "pr", "talk-abcd", code=5)
    assert said.err.splitlines()[0] == (
        "error: there is no PipelineRun 'talk-abcd' in namespace 'default';"
        " did you mean 'talk-abcde'?"
    )
    assert "did you mean 'pipelinerun'" in shell.mltk("get", "pipelinrun", code=2).err
    assert "did you mean 'talk-abcde'" in shell.mltk("logs", "talk-abcd", code=5).err


def test_describe_a_run(shell: Shell) -> None:
    shell.keep(
        pipeline_run(
            spec={"params": [{"name": "word", "value": ["a", "b"]}]},
            status={
                "results": [{"name": "said", "value": "hi"}],
                "skippedTasks": [{"name": "third", "reason": "PipelineRun was stopping"}],
            },
        )
    )
    shell.keep(task_run("talk-abcde-first", "first"))
    text = shell.mltk("describe", "pr", "talk-abcde").out
    for words in ('word   ["a", "b"]', "said   hi", "talk-abcde-first   first", "as it went"):
        assert words in text
    assert "third   PipelineRun was stopping" in text


def test_describe_a_task_and_keep_secrets_secret(shell: Shell) -> None:
    shell.keep(TASK)
    shell.keep(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "key"},
            "stringData": {"TOKEN": "hush-hush"},
        }
    )
    text = shell.mltk("describe", "task/say", "secret/key").out
    assert "word   string   hi        What to say." in text
    assert "speak   busybox   script" in text
    assert "TOKEN: 9 characters" in text
    assert "hush-hush" not in text


def test_logs_with_task_and_step(shell: Shell) -> None:
    _runs(shell)
    run = shell.backend.get("tr", "talk-abcde-first")
    folder = shell.backend.layout.logs(run)
    folder.mkdir(parents=True)
    (folder / "speak.log").write_text("one\ntwo\n", encoding="utf-8")
    assert shell.mltk("logs", "talk-abcde").out == "[first : speak] one\n[first : speak] two\n"
    assert shell.mltk("logs", "tr", "talk-abcde-first").out == "[speak] one\n[speak] two\n"
    assert "did you mean 'first'" in shell.mltk("logs", "talk-abcde", "-t", "frst", code=5).err
    assert "no step 'x'" in shell.mltk("logs", "talk-abcde", "-s", "x", code=5).err


def test_cancel_asks_the_process_that_drives_the_run(shell: Shell) -> None:
    run = shell.keep(pipeline_run(reason="Running"))
    ownership = Ownership(shell.backend.store.database)
    ownership.claim(run["metadata"]["uid"], "run", "engine")  # this process lives
    assert shell.mltk("cancel", "talk-abcde").out == "pipelinerun.tekton.dev/talk-abcde cancelled\n"
    assert shell.backend.get("pr", "talk-abcde")["spec"]["status"] == "Cancelled"


def test_cancel_ends_a_run_that_nobody_drives(shell: Shell) -> None:
    shell.keep(pipeline_run(reason="Running"))
    shell.mltk("cancel", "pr", "talk-abcde")
    (condition,) = shell.backend.get("pr", "talk-abcde")["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Cancelled")
    assert "has ended already" in shell.mltk("cancel", "talk-abcde", code=5).err


def test_delete_by_name_selector_and_all(shell: Shell) -> None:
    _runs(shell)
    assert "pipelinerun.tekton.dev/older deleted" in shell.mltk("delete", "pr/older").out
    shell.mltk("delete", "pr", "-l", "team=a")
    shell.mltk("delete", "tr", "--all")
    for kind in ("pr", "tr"):
        assert shell.backend.list(kind) == []
    assert "--all" in shell.mltk("delete", "pr", code=2).err


def test_wait_ends_with_the_code_of_the_run(shell: Shell) -> None:
    _runs(shell)
    shell.keep(pipeline_run("running", "Running"))
    assert shell.mltk("wait", "talk-abcde").out == "talk-abcde  Succeeded\n"
    shell.mltk("wait", "older", code=1)
    said = shell.mltk("wait", "running", "--timeout", "0s", code=5).err
    assert "note: nobody drives PipelineRun 'running' now; `mltk serve` goes on with it" in said
    assert "not ended in time" in said
    run = shell.backend.get("pr", "running")
    Ownership(shell.backend.store.database).claim(run["metadata"]["uid"], "run", "engine")
    assert "nobody" not in shell.mltk("wait", "running", "--timeout", "0s", code=5).err
    assert "is no duration" in shell.mltk("wait", "running", "--timeout", "soon", code=2).err


def test_a_run_whose_process_died_is_named(shell: Shell) -> None:
    run = shell.keep(pipeline_run(reason="Running"))
    with shell.backend.store.transaction() as connection:
        connection.execute(
            "INSERT INTO owners VALUES (?,?,?,?)", (run["metadata"]["uid"], 2**22, "never", "gone")
        )
    said = shell.mltk("get", "pr")
    assert said.err == "note: PipelineRun talk-abcde was interrupted: mltk rerun talk-abcde\n"
    assert said.out.split()[-1] == "Interrupted"


def _flags(shell: Shell, **data: str) -> str:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "feature-flags", "namespace": "tekton-pipelines"},
        "data": {key.replace("_", "-"): value for key, value in data.items()},
    }
    path = shell.folder / "flags.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return str(path)


def test_what_has_no_effect_is_said_when_it_is_applied(shell: Shell) -> None:
    idle = "warning: configmap/feature-flags: data.coschedule: 'coschedule' has no effect here\n"
    said = shell.mltk("apply", "-f", _flags(shell, coschedule="workspaces"))
    assert said.err == idle
    assert said.out == "configmap/feature-flags created\n"
    assert shell.mltk("apply", "-f", _flags(shell, coschedule="workspaces")).err == ""
    assert shell.mltk("apply", "-f", _flags(shell, coschedule="pipelineruns")).err == idle


def test_settings_that_are_not_done_are_refused_also_when_they_change(shell: Shell) -> None:
    shell.mltk("apply", "-f", _flags(shell, coschedule="workspaces"))
    wrong = _flags(shell, coschedule="workspaces", enforce_nonfalsifiability="spire")
    said = shell.mltk("apply", "-f", wrong, code=3).err
    assert "enforce-nonfalsifiability" in said
    assert "warning" not in said


def test_a_limit_range_is_applied_as_a_cluster_keeps_it(shell: Shell) -> None:
    path = shell.folder / "bounds.yaml"

    def applied(default: str, code: int = 0) -> Said:
        item = {"type": "Container", "default": {"cpu": default}, "max": {"cpu": "2"}}
        made = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "bounds"}}
        path.write_text(yaml.safe_dump({**made, "spec": {"limits": [item]}}), encoding="utf-8")
        return shell.mltk("apply", "-f", str(path), code=code)

    said = [applied(default).out for default in ("1000m", "1000m", "500m")]
    assert [each.split()[-1] for each in said] == ["created", "unchanged", "configured"]
    kept = shell.mltk("get", "limits", "bounds", "-o", "json").json["spec"]["limits"][0]
    assert kept["default"] == kept["defaultRequest"] == {"cpu": "500m"}
    refused = applied("3", code=3).err
    assert 'spec.limits[0].default[cpu]: Invalid value: "2": default value 3 is' in refused


def test_create_says_what_has_no_effect_in_a_run(shell: Shell) -> None:
    context = {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}
    step = {"name": "do", "image": "busybox", "script": "true", **context}
    task = {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {"name": "t"},
        "spec": {"steps": [step]},
    }
    path = shell.folder / "t.json"
    path.write_text(json.dumps(task), encoding="utf-8")
    said = shell.mltk("create", "-f", str(path))
    assert "warning: task/t: spec.steps[0].securityContext.seccompProfile: " in said.err
