"""One model of mltk.yaml that stands for many."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mltk.errors import ConfigError, UsageError
from mltk.project.changes import touched
from mltk.project.load import parse
from mltk.project.request import select, select_one
from mltk.project.schema import shipped
from mltk.project.spec import Project

MODEL = """\
project: grid
models:
  {name}:
    matrix: {matrix}
    problem: regression
    data: {{path: data/$(matrix.site).csv}}
    target: {{name: load_in_$(matrix.horizon)h}}
    features: [{{name: temperature}}]
    training: {{epochs: $(matrix.horizon)}}
"""
AXES = "{site: [north, South Sea], horizon: [1, 24]}"


def project(matrix: str = AXES, name: str = "load") -> Project:
    return parse(MODEL.format(name=name, matrix=matrix))


def complaint(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value


def test_one_model_for_each_combination() -> None:
    models = project().models
    assert list(models) == [
        "load-north-1", "load-north-24", "load-south-sea-1", "load-south-sea-24",
    ]  # fmt: skip
    last = models["load-south-sea-24"]
    assert last.data.path == "data/South Sea.csv"
    assert last.target is not None
    assert last.target.name == "load_in_24h"
    assert last.training.epochs == 24  # a number, not its text
    assert last.matrix is None


def test_the_name_says_where_the_values_go() -> None:
    named = project(name="load-$(matrix.horizon)h-$(matrix.site)")
    assert list(named.models)[:2] == ["load-1h-north", "load-24h-north"]


def test_a_variable_may_be_a_list() -> None:
    text = MODEL.format(name="load", matrix="{site: [a], horizon: [1], units: [[8], [16, 4]]}")
    found = parse(text + "    network: {hidden: $(matrix.units)}\n").models
    assert {name: model.network.hidden for name, model in found.items()} == {
        "load-a-1-8": (8,),
        "load-a-1-16-4": (16, 4),
    }


def test_exclude_and_include_are_those_of_github_actions() -> None:
    matrix = (
        "{site: [a, b], horizon: [1, 24], exclude: [{site: b, horizon: 24}], include:"
        " [{site: a, units: 64}, {units: 16, site: b}, {site: c, horizon: 6, units: 8}]}"
    )
    text = MODEL.format(name="load", matrix=matrix) + "    network: {hidden: [$(matrix.units)]}\n"
    found = parse(text).models
    assert {name: model.network.hidden for name, model in found.items()} == {
        "load-a-1": (64,),
        "load-a-24": (64,),
        "load-b-1": (16,),
        "load-c-6": (8,),
    }


def test_include_alone_lists_the_models() -> None:
    listed = "{include: [{site: a, horizon: 1}, {site: b, horizon: 24}]}"
    assert list(project(listed).models) == ["load-a-1", "load-b-24"]


@pytest.mark.parametrize(
    ("matrix", "line", "said"),
    [
        ("{site: [a, b]}", 7, "the matrix has no variable 'horizon'"),
        ("{site: [a], horizont: [1]}", 7, "did you mean 'horizont'?"),
        ("{site: [], horizon: [1]}", 4, "matrix.site is empty"),
        ("{site: a, horizon: [1]}", 4, "matrix.site must be a list"),
        ("[a]", 4, "matrix must hold lists by name"),
        ("{site: [a, a], horizon: [1]}", 4, "matrix.site holds 'a' twice"),
        ("{site: [a], horizon: [1, -1]}", 3, "2 models of a matrix would be called 'load-a-1'"),
        ("{site: [a], horizon: [[1]]}", 7, "cannot be part of a text"),
        ("{site: [a], horizon: [1], exclude: [{site: b}]}", 4, "fits no combination"),
        ("{site: [a], horizon: [1], exclude: [{sit: a}]}", 4, "did you mean 'site'?"),
        ("{site: [a], horizon: [1], exclude: [{site: a}]}", 4, "leaves no model"),
        ("{site: [a], horizon: [1], include: {site: b}}", 4, "matrix.include must be a list"),
        (f"{{site: [a], horizon: {list(range(257))}}}", 4, "makes 257 models, and 256 is the most"),
        ("{site: [a], horizon: [1], a b: [1]}", 4, "is no name of a variable"),
        (f"{{site: [{'a' * 40}], horizon: [1]}}", 4, "at most 40 characters"),
    ],
)
def test_what_stands_for_nothing_is_refused(matrix: str, line: int, said: str) -> None:
    found = complaint(MODEL.format(name="load", matrix=matrix))
    assert said in found.what
    assert found.where == f"mltk.yaml:{line}"


def test_a_variable_without_a_matrix_is_no_text() -> None:
    text = MODEL.format(name="load", matrix=AXES).replace(f"    matrix: {AXES}\n", "")
    assert "means nothing in a model without" in complaint(text).what


def test_what_all_have_wrong_is_said_once_and_what_one_has_with_its_name() -> None:
    text = MODEL.format(name="load", matrix=AXES)
    assert complaint(text + "    seeds: 1\n").what.startswith("unknown key 'seeds' in models.load;")
    one = complaint(text.replace("epochs: $(matrix.horizon)", "patience: $(matrix.horizon)")
                    .replace("[1, 24]", "[1, -24]"))  # fmt: skip
    assert "models.load-north-24.training.patience: must be at least 0" in one.what
    assert "load-north-1." not in one.what


def test_a_matrix_may_come_from_an_anchor() -> None:
    text = MODEL.format(name="load", matrix=f"&axes {AXES}")
    again = text.split("models:\n")[1].replace("load:", "wind:").replace(f"&axes {AXES}", "*axes")
    assert len(parse(text + again).models) == 8


def test_a_push_concerns_only_the_models_that_changed() -> None:
    more = project("{site: [north, South Sea, west], horizon: [1, 24]}")
    found = touched(project(), more, [], [])
    assert found.models == ("load-west-1", "load-west-24")


def test_names_may_be_patterns() -> None:
    assert select(project(), ["*-24", "load-north-1"]) == (
        "load-north-24", "load-south-sea-24", "load-north-1",
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"no model fits 'wind-\*'"):
        select(project(), ["wind-*"])
    with pytest.raises(UsageError, match="are 2 models, and this is for one"):
        select_one(project(), "load-north-*")


def test_the_schema_of_editors_takes_a_matrix() -> None:
    text = MODEL.format(name="load-$(matrix.site)-$(matrix.horizon)", matrix=AXES)
    jsonschema.validate(yaml.safe_load(text), json.loads(shipped()))
    wrong = yaml.safe_load(text.replace("epochs: $(matrix.horizon)", "epochs: many"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json.loads(shipped()))


def test_the_example_of_the_page_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "project-file.md").read_text()
    shown = page.split("## Many models")[1].split("    models:\n")[1].split("\nThese")[0]
    text = "project: grid\nmodels:\n" + "\n".join(line[4:] for line in shown.splitlines())
    assert list(parse(text).models) == ["load-north-1h", "load-north-24h", "load-south-1h"]


words = st.lists(st.text("abcdefghij", min_size=1, max_size=6), min_size=1, max_size=5, unique=True)


@given(sites=words, horizons=st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True))
def test_every_combination_is_there_once(sites: list[str], horizons: list[int]) -> None:
    found = project(json.dumps({"site": sites, "horizon": horizons}))
    assert list(found.models) == [f"load-{site}-{h}" for site in sites for h in horizons]
