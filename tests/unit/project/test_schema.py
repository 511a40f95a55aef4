from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
import yaml

import mltk.project.schema
from mltk.project import reference
from mltk.project.schema import render, schema, shipped

GOLDEN = Path(__file__).parents[2] / "golden" / "compile"


def test_the_shipped_schema_is_current() -> None:
    if os.environ.get("MLTK_REGENERATE"):
        Path(mltk.project.schema.__file__).with_name("schema.json").write_text(render())
    assert shipped() == render(), "MLTK_REGENERATE=1 pytest writes it anew"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.mltk.yaml")), ids=lambda file: file.name)
def test_it_accepts_project_files(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), json.loads(shipped()))


def test_it_refuses_what_is_unknown() -> None:
    document = yaml.safe_load((GOLDEN / "regression.mltk.yaml").read_text())
    document["models"]["No Name"] = document["models"]["diabetes"]
    with pytest.raises(jsonschema.ValidationError, match="No Name"):
        jsonschema.validate(document, json.loads(shipped()))
    del document["models"]["No Name"]
    document["models"]["diabetes"]["training"]["epoch"] = 3
    with pytest.raises(jsonschema.ValidationError, match="epoch"):
        jsonschema.validate(document, json.loads(shipped()))


def test_the_page_about_the_project_file_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "project-file.md"
    if os.environ.get("MLTK_REGENERATE"):
        page.write_text(reference.render(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == reference.render()
