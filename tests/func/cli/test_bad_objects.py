"""Objects that cannot be: what the real command says, where, and that nothing is kept."""

from __future__ import annotations

import pytest

from .cli_folder import Folder, task

STEPS = 'taskSpec: {params: [{name: p, default: ""}], steps: [{image: x, script: "true"}]}'


def pipeline_run(*tasks: str) -> str:
    listed = "\n".join(f"    - {{{task}, {STEPS}}}" for task in tasks)
    head = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: x}\n"
    return f"{head}spec:\n  pipelineSpec:\n    tasks:\n{listed}\n"


def task_run(spec: str) -> str:
    return f"apiVersion: tekton.dev/v1\nkind: TaskRun\nmetadata: {{name: x}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("document", "what", "where"),
    [
        ("kind: Task\n spec: [", "not YAML: mapping values", "bad.yaml:2"),
        (
            "apiVersion: tekton.dev/v1\nkind: Taks\nmetadata: {name: x}",
            "'Taks' is not a kind that this engine knows; did you mean 'Task'?",
            "bad.yaml:1: taks/x: kind",
        ),
        (
            task_run("{taskSpec: {stepps: []}}"),
            "unknown field 'stepps'; did you mean 'steps'?",
            "bad.yaml:1: taskrun/x: spec.taskSpec.stepps",
        ),
        (
            pipeline_run(*("name: a, runAfter: [c]", "name: b, runAfter: [a]",
                           "name: c, runAfter: [b]")),
            'invalid value: cycle detected; task "',
            "bad.yaml:1: pipelinerun/x: spec.pipelineSpec.tasks",
        ),
        (
            pipeline_run("name: a, params: [{name: p, value: $(tasks.nobody.results.r)}]"),
            "task a depends on nobody but nobody wasn't present in Pipeline",
            "bad.yaml:1: pipelinerun/x: spec.pipelineSpec.tasks",
        ),
        (
            task_run("{taskSpec: {params: [{name: p, type: string, default: [a]}],"
                     ' steps: [{image: x, script: "true"}]}}'),
            '"string" type does not match default value\'s type: "array"',
            "bad.yaml:1: taskrun/x: spec.taskSpec.params.p.default.type, spec.taskSpec.params.p.ty",
        ),
    ],
    ids=["not YAML", "kind", "field", "cycle", "result of nobody", "type"],
)  # fmt: skip
def test_object_that_cannot_be(folder: Folder, document: str, what: str, where: str) -> None:
    folder.mltk("apply", "-f", folder.write("good.yaml", task("t", "true")))
    (folder.path / "bad.yaml").write_text(document)
    done = folder.mltk("create", "-f", "bad.yaml", code=3)
    assert what in done.stderr
    assert f"where: {where}" in done.stderr
    assert "Traceback" not in done.stderr
    assert folder.json("get", "pr")["items"] == folder.json("get", "tr")["items"] == []


def test_param_of_another_type_ends_the_run_with_a_reason(folder: Folder) -> None:
    spec = f"{{params: [{{name: p, value: [a]}}], {STEPS}}}"
    (folder.path / "bad.yaml").write_text(task_run(spec))
    done = folder.mltk("create", "-f", "bad.yaml", code=1)
    assert "param types don't match the user-specified type: [p]" in done.stderr
    assert "mltk describe tr x" in done.stdout
