from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from mltk.errors import ConfigError
from mltk.project.load import load, parse
from mltk.project.placement import quantity

GOOD = """\
project: demo
models:
  diabetes:
    problem: regression
    data: {path: data/diabetes.csv}
    target: {name: progression}
    features:
      - name: age
        unit: years
      - {name: sex, type: categorical, values: ["1", "2"]}
"""


def complaint(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value


def test_a_project_file_with_its_defaults() -> None:
    model = parse(GOOD).models["diabetes"]
    assert [feature.type for feature in model.features] == ["numeric", "categorical"]
    assert model.split.holdout == 0.2
    assert model.gate.baseline == "trivial"


@pytest.mark.parametrize(
    ("typed", "value"), [("1e-3", 0.001), ("5E-4", 0.0005), (".5", 0.5), ("1", 1), ("0.01", 0.01)]
)
def test_numbers_as_people_type_them(typed: str, value: float) -> None:
    text = GOOD.replace("    data:", f"    training: {{learning_rate: {typed}}}\n    data:")
    assert parse(text).models["diabetes"].training.learning_rate == value


def test_yes_and_no_and_times_are_text_and_leading_zeros_mean_nothing() -> None:
    text = GOOD.replace('["1", "2"]', "[yes, no, on, 12:30, 2024-01-31]").replace(
        "    data:", "    seed: 010\n    data:"
    )
    model = parse(text).models["diabetes"]
    assert model.model_dump()["features"][1]["values"] == ("yes", "no", "on", "12:30", "2024-01-31")
    assert model.seed == 10


def test_an_anchor_is_a_way_to_say_things_once() -> None:
    text = GOOD.replace("    data:", "    training: &fit {epochs: 9}\n    data:")
    text += (
        GOOD.split("models:\n")[1]
        .replace("diabetes:", "again:", 1)
        .replace("    data:", "    training: {<<: *fit, patience: 2}\n    data:")
    )
    training = parse(text).models["again"].training
    assert (training.epochs, training.patience) == (9, 2)


@pytest.mark.parametrize(
    ("change", "to", "line", "words"),
    [
        ("unit: years", "unt: years", 9, "unknown key 'unt' in models.diabetes.features[0]"),
        ("unit: years", "unt: years", 9, "did you mean 'unit'"),
        ("project: demo", "projct: demo", 1, "did you mean 'project'"),
        ("problem: regression", "problem: regresion", 4, "did you mean 'regression'"),
        ("project: demo", "project: Demo", 1, "a name of lower-case letters"),
        ("project: demo", "project: 12", 1, "must be text, but is 12; put it in quotes"),
        ("    data: {path: data/diabetes.csv}\n", "", 4, "'data' is missing in models.diabetes"),
        ("data/diabetes.csv", "/etc/passwd", 5, "inside the project"),
        ("data/diabetes.csv", "a/../../b.csv", 5, "inside the project"),
        ('["1", "2"]', "[true, false]", 10, "must be text, but is true; put it in quotes"),
        ('["1", "2"]', '["1", "1"]', 10, "repeat"),
        ("type: categorical", "type: category", 10, "'numeric', 'categorical'"),
        ("name: sex", "name: progression", 4, "target 'progression' is also a feature"),
        ("name: sex", "name: age", 4, "feature 'age' is given twice"),
        ("    data:", "    seed: true\n    data:", 5, "a whole number, but is true"),
        ("    data:", "    seed: '3'\n    data:", 5, "a whole number, but is '3'"),
        ("    data:", "    seed: 2.5\n    data:", 5, "a whole number, but is 2.5"),
        ("    data:", "    gate: {parity: .inf}\n    data:", 5, "a finite number"),
        ("    data:", "    split: {holdout: 1}\n    data:", 5, "must be less than 1, but is 1"),
        ("    data:", "    export: {backends: []}\n    data:", 5, "at least 1 entry"),
        ("unit: years", "name: years", 9, "'name' is given twice, first on line 8"),
        ("models:", "clustr: {}\nmodels:", 2, "did you mean 'cluster'"),
        ("models:", "cluster: {namespace: My}\nmodels:", 2, "'My' is no name of lower-case"),
        ("models:", "cluster:\n  image: mltk\nmodels:", 3, "'mltk' names no version"),
        ("models:", "cluster:\n  image: r:5000/m:latest\nmodels:", 3, "names no version"),
        ("models:", "cluster:\n  image: a b\nmodels:", 3, "'a b' is no image"),
        ("models:", "cluster:\n  storage:\n    size: 2\nmodels:", 4, "put it in quotes"),
        ("models:", "cluster:\n  storage:\n    size: '2'\nmodels:", 4, "less than a megabyte"),
        ("models:", "cluster:\n  storage: {class: A B}\nmodels:", 3, "'A B' is no name"),
        ("models:", "cluster: {repo_url: 'https://me:pw@x/y'}\nmodels:", 2, "holds credentials"),
    ],
)
def test_a_complaint_names_the_line(change: str, to: str, line: int, words: str) -> None:
    said = str(complaint(GOOD.replace(change, to, 1))).splitlines()
    assert any(f"mltk.yaml:{line}: " in one and words in one for one in said), said


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ('cpu: "two"', "'two' is not a quantity as Kubernetes writes it"),
        ("cpu: 2", "must be text, but is 2; put it in quotes"),
        ('cpu: "0"', "'0' is no processor"),
        ("memory: 2GB", "'2GB' is not a quantity"),
        ("memory: 2gi", "'2gi' is not a quantity"),
        ('memory: "-1Gi"', "'-1Gi' is not a quantity"),
        ("memory: 1e", "'1e' is not a quantity"),
        ("memory: 500m", "less than a megabyte: give it a unit"),
        ('memory: "2"', "less than a megabyte: give it a unit"),
        ("memory: 2Gi\n", None),
        ("memory: 1.5Gi", None),
        ("memory: 2e9", "must be text"),
        ('memory: "2e9"', None),
        ("accelerator: cuda", "must be 'none', 'gpu' or 'tpu'"),
        ("accelerator_count: 2", "accelerator_count needs accelerator: gpu or tpu"),
        ("{accelerator: none, accelerator_resource: a.b/c}", "accelerator_resource needs"),
        ("{accelerator: gpu, accelerator_count: 0}", "must be at least 1"),
        ("{accelerator: gpu, accelerator_resource: gpu}", "is no extended resource"),
        ("{accelerator: gpu, accelerator_resource: x.kubernetes.io/gpu}", "no extended resource"),
        ("{accelerator: gpu, accelerator_resource: a b/gpu}", "is not the name of a resource"),
        ("{accelerator: tpu, architecture: arm64}", "no node has a TPU and an arm64 processor"),
        (
            "{architecture: arm64, node_selector: {kubernetes.io/arch: amd64}}",
            "architecture is arm64, but node_selector asks for kubernetes.io/arch: amd64",
        ),
        ("{architecture: arm64, node_selector: {kubernetes.io/arch: arm64}}", None),
        ("architecture: x86", "must be 'amd64' or 'arm64'"),
        ("node_selector: {pool gpu: a}", "'pool gpu' is not the key of a label"),
        ("node_selector: {Upper.case/pool: a}", "is not the key of a label"),
        ("node_selector: {pool: a/b}", "'a/b' is not the value of a label"),
        ("node_selector: {pool: true}", "must be text, but is true; put it in quotes"),
        ('node_selector: {node-role.kubernetes.io/gpu: ""}', None),
        ("tolerations: [{key: a}]", None),
        ("tolerations: [{operator: Exists}]", None),
        ("tolerations: [{value: a}]", "a toleration without a key needs operator: Exists"),
        ("tolerations: [{key: a, operator: Exists, value: b}]", "Exists takes no value"),
        ("tolerations: [{key: a, operator: exists}]", "must be 'Exists' or 'Equal'"),
        ("tolerations: [{key: a, effect: Never}]", "must be 'NoSchedule', 'PreferNoSchedule' or"),
        ("tolerations: [{key: a, seconds: 3}]", "a meaning for effect: NoExecute alone"),
        ("tolerations: [{key: a, effect: NoExecute, seconds: 3}]", None),
        ("tolerations: [{key: a, effct: NoExecute}]", "did you mean 'effect'"),
        ("tolerations: {key: a}", "must be a list"),
    ],
)
def test_where_training_runs(resources: str, words: str | None) -> None:
    inner = resources if resources.startswith("{") else f"\n      {resources}"
    text = GOOD.replace("    data:", f"    resources: {inner}\n    data:", 1)
    if words is None:
        assert parse(text)
        return
    line = 5 if resources.startswith("{") else 6
    said = str(complaint(text)).splitlines()
    assert any(f"mltk.yaml:{line}: " in one and words in one for one in said), said


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", "0.5"), ("2", "2"), ("2.5Gi", str(5 * 2**29)), ("1E", "1e18"), ("3e2", "300")],
)
def test_quantities_as_kubernetes_writes_them(text: str, number: str) -> None:
    assert quantity(text) == Decimal(number)


def test_all_complaints_come_together() -> None:
    error = complaint(GOOD.replace("unit", "unt").replace("problem", "prblem"))
    assert error.what.startswith("3 things are wrong")
    assert "mltk.yaml:9: unknown key 'unt'" in error.what
    assert "mltk.yaml:4: 'problem' is missing" in error.what


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", "mltk.yaml", "empty"),
        ("# only a comment\n", "mltk.yaml", "empty"),
        ("- a\n", "mltk.yaml:1", "keys and values"),
        ("project: demo\nmodels:\n\tx: 1\n", "mltk.yaml:3:1", "not valid YAML"),
        ("project: [demo\n", "mltk.yaml:2:1", "not valid YAML"),
        ("project: demo\n---\nproject: demo\n", "mltk.yaml:2:1", "not valid YAML"),
        ("project: *nobody\n", "mltk.yaml:1:10", "undefined alias"),
        ("project: &a [*a]\n", "mltk.yaml:1", "has no end"),
        ("project: !!python/name:os.system\n", "mltk.yaml", "things are wrong"),
        ("project: \x00\n", "mltk.yaml", "not valid YAML"),
        ("[" * 5000, "mltk.yaml", "nested too deeply"),
        ("? [a, b]\n: 1\n", "mltk.yaml:1", "a plain word"),
    ],
)
def test_what_is_no_project_file(text: str, where: str, words: str) -> None:
    error = complaint(text)
    assert words in error.what
    assert error.where == where


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "mltk.yaml")
    (tmp_path / "mltk.yaml").write_bytes(b"project: \xff\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "mltk.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ('slices: [{where: {colour: "1"}, block_when_worse: true}]', "no column 'colour'"),
        ("slices: [{where: {x: {min: 2, max: 1}}, block_when_worse: true}]", "holds no value"),
        ('slices: [{where: {x: "1"}, block_when_worse: true}]', "the column is numeric"),
        ("slices: [{by: x, block_when_worse: true}]", "say where its bins end, as at"),
        ("slices: [{by: x, at: [2, 1], block_when_worse: true}]", "must rise from bin to bin"),
        ("slices: [{where: {x: {min: 2}}}]", "asks for nothing"),
        ("slices: [{block_when_worse: true}]", "give where or by"),
        (
            "slices: [{name: a, where: {x: {min: 2}}, block_when_worse: true},"
            " {name: a, where: {x: {max: 2}}, block_when_worse: true}]",
            "two slices have the name 'a'",
        ),
        ("champion: {promote_when: not_worse}", "needs a margin"),
        ("champion: {margin: 1}", "margin is for promote_when: not_worse"),
        ("champion: {alpha: 0.5}", "must be less than 0.5"),
        ("champion: {promote_wen: better}", "did you mean 'promote_when'"),
        (
            "{min_improvement: 1, champion: {promote_when: not_worse, margin: 1}}",
            "min_improvement has no meaning",
        ),
        ("metrics: {rmse: {max: 1, confidence: 95}}", "must be less than 1"),
    ],
)
def test_a_gate_that_cannot_be_asked_is_refused(gate: str, said: str) -> None:
    inner = gate if gate.startswith("{") else f"{{{gate}}}"
    text = f"""
project: p
models:
  m:
    problem: regression
    data: {{path: t.csv}}
    target: {{name: y}}
    features: [{{name: x}}]
    gate: {inner}
"""
    with pytest.raises(ConfigError, match=re.escape(said)):
        parse(text)
