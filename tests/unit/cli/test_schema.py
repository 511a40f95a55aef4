"""`mltk schema` on a project of two small tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from mltk.project.schemafile import load_schemas, render

from .conftest import Shell

MODELS = {
    name: {
        "problem": "regression",
        "data": {"path": f"{name}.csv"},
        "target": {"name": "y"},
        "features": [
            {"name": "x"},
            {"name": "c", "type": "categorical", "values": ["no", "yes", "1"]},
        ],
    }
    for name in ("one", "two")
}


def write_table(path: Path, *, first: str = "0.5") -> None:
    draw = np.random.default_rng(4).normal(size=(60, 2)).round(3)
    rows = [f"{x},{('no', 'yes')[index % 2]},{y}" for index, (x, y) in enumerate(draw)]
    rows[0] = f"{first},no,0.25"
    path.write_text("\n".join(["x,c,y", *rows]) + "\n")


@pytest.fixture
def project(shell: Shell) -> Shell:
    content = {"project": "p", "models": MODELS}
    (shell.folder / "mltk.yaml").write_text(yaml.safe_dump(content))
    for name in MODELS:
        write_table(shell.folder / f"{name}.csv")
    return shell


def test_what_is_inferred_fits_and_what_comes_later_is_held_against_it(project: Shell) -> None:
    said = project.mltk("schema", "infer")
    assert said.out.splitlines()[0] == "one: revision 1, 3 columns of 60 rows"
    assert "commit it" in said.err
    assert (
        "two: 3 columns as in mltk.schema.yaml, revision 1" in project.mltk("schema", "check").out
    )
    write_table(project.folder / "two.csv", first="50")
    failed = project.mltk("schema", "check", code=3).err.splitlines()
    assert failed[0].startswith("error: expected from -")
    assert failed[0].endswith("; 1 row (the first on line 2): 50, 1.67% of the rows")
    assert failed[1] == "where: two.csv, line 2, column 'x'"
    assert "`mltk schema infer two`" in failed[2]
    assert project.mltk("schema", "check", "one").code == 0


def test_checks_as_a_document_tell_all_models(project: Shell) -> None:
    project.mltk("schema", "infer")
    write_table(project.folder / "two.csv", first="50")
    found = project.mltk("schema", "check", "-o", "json", code=3).json
    assert (found["one"], found["two"][0]["column"], found["two"][0]["line"]) == ([], "x", 2)


def test_inferring_again_keeps_other_models_and_counts_revisions(project: Shell) -> None:
    project.mltk("schema", "infer")
    before = (project.folder / "mltk.schema.yaml").read_text()
    assert "one: as before" in project.mltk("schema", "infer").out
    assert (project.folder / "mltk.schema.yaml").read_text() == before
    said = project.mltk("schema", "infer", "two", "--allowance", "2").out
    assert said == "two: revision 2, 3 columns of 60 rows\n"
    revisions = {name: one.revision for name, one in load_schemas(project.folder).items()}
    assert revisions == {"one": 1, "two": 2}
    shown = project.mltk("schema", "show", "two", "-o", "json").json
    assert shown["two"]["columns"]["c"]["values"] == ["no", "yes"]
    shown = project.mltk("schema", "show").out.splitlines()
    assert "two c categorical no, yes 0.0%" in [" ".join(line.split()) for line in shown]


def test_the_file_is_read_back_as_it_was_written(project: Shell) -> None:
    project.mltk("schema", "infer")
    schemas = load_schemas(project.folder)
    assert render(schemas) == (project.folder / "mltk.schema.yaml").read_text()


def test_without_a_schema_the_command_that_makes_one_is_named(project: Shell) -> None:
    said = project.mltk("schema", "check", code=3).err
    assert said.splitlines() == [
        "error: there is no schema",
        "where: mltk.schema.yaml",
        "hint: mltk schema infer",
    ]
    project.mltk("schema", "infer", "one")
    assert "hint: mltk schema infer two" in project.mltk("schema", "show", "two", code=3).err
    assert "did you mean 'one'" in project.mltk("schema", "show", "onne", code=2).err


def test_a_file_that_says_nothing_sensible_is_refused_with_its_line(project: Shell) -> None:
    file = project.folder / "mltk.schema.yaml"
    for column, what in (
        ("{type: numeric, min: 3, max: 2}", "min 3 is above max 2"),
        ("{type: numeric, values: [a]}", "a numeric column has min and max"),
        ("{type: categorical}", "a categorical column needs its values"),
        ("{type: text}", "must be 'numeric' or 'categorical'"),
        ("{type: numeric, missing: 2}", "must be at most 1"),
    ):
        file.write_text(f"version: 1\nmodels:\n  one:\n    columns:\n      x: {column}\n")
        said = project.mltk("schema", "check", code=3).err
        assert what in said
        assert "mltk.schema.yaml:5" in said
