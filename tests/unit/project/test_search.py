"""What a search tries, in which order, and how few of it come to their end."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mltk.errors import ConfigError
from mltk.problems import installed, load_problem
from mltk.project.compile import PIPELINE, TASKS, manifests, run_manifest
from mltk.project.key import key, key_parts, shared_key
from mltk.project.load import parse
from mltk.project.parameters import misfits, with_parameters, words
from mltk.project.parameters import parse as parameters_of
from mltk.project.request import RunRequest
from mltk.project.search import search_manifest
from mltk.project.searching import Halving, Search
from mltk.project.spec import Model, Project
from mltk.project.trials import SearchPlan, plan, rungs
from mltk.tekton.admission import admit
from mltk.wording import worded

RATE = {"min": 0.001, "max": 0.1, "log": True}
HIDDEN: list[list[int]] = [[8], [16, 8], []]


def text(search: Any, problem: str = "regression") -> str:
    model = {
        "problem": problem,
        "data": {"path": "wine.csv"},
        "target": {"name": "y"},
        "features": [{"name": "x"}],
        "training": {"epochs": 90, "patience": 7},
        "search": search,
    }
    return yaml.safe_dump({"project": "cellar", "models": {"wine": model}}, sort_keys=False)


def project(search: Any) -> Project:
    return parse(text(search))


def model(parameters: dict[str, Any], **search: Any) -> Model:
    return project({"parameters": parameters, **search}).models["wine"]


def planned(parameters: dict[str, Any], **search: Any) -> SearchPlan:
    return plan("wine", model(parameters, **search))


@pytest.mark.parametrize(
    ("parameters", "search", "words"),
    [
        ({"training.learnign_rate": [0.1]}, {}, "did you mean 'training.learning_rate'?"),
        ({"features": [1]}, {}, "no parameter 'features' can be searched"),
        ({"seed": [1]}, {}, "(known: network.hidden, network.activation"),
        ({"settings.widht": [1]}, {}, "no parameter 'settings.widht' can be searched"),
        ({"settings.head": ["mean", "gaussian"]}, {}, "settings.head changes what the loss means"),
        ({}, {}, "search.parameters: must have at least 1 entry"),
        ({"network.hidden": []}, {}, "must have at least 1 entry"),
        ({"network.dropout": 0.5}, {}, "must hold keys and values, but is 0.5"),
        ({"network.dropout": [0, 1.5]}, {}, "dropout must be less than 1, but is 1.5"),
        ({"network.dropout": [0.1, 0.1]}, {}, "parameters.network.dropout holds 0.1 twice"),
        ({"network.activation": ["rleu"]}, {}, "activation must be 'relu', 'elu'"),
        ({"network.dropout": {"min": 0.5, "max": 0.1}}, {}, "0.5 is not below 0.1"),
        ({"network.dropout": {"min": 0, "max": 1}}, {}, "dropout must be less than 1"),
        ({"network.dropout": {"max": 0.1}}, {}, "'min' is missing"),
        ({"network.l2": {"min": 0, "max": 1, "log": True}}, {}, "log needs a min above 0"),
        ({"network.hidden": {"min": 1, "max": 9}}, {}, "network.hidden is no number"),
        ({"training.batch_size": {"min": 1.5, "max": 9}}, {}, "training.batch_size is a whole"),
        ({"network.dropout": {"min": 0, "max": 0.1}}, {"method": "grid"}, "with points: network"),
        ({"network.dropout": [0]}, {"method": "bayes"}, "must be 'random' or 'grid'"),
        ({"network.dropout": [0]}, {"trials": 257}, "must be at most 256, but is 257"),
        ({"network.dropout": [0]}, {"trials": 0}, "must be at least 1, but is 0"),
        ({"training.epochs": [5, 9]}, {"halving": {}}, "is what halving deals out"),
        ({"network.dropout": [0]}, {"halving": {"factor": 1}}, "must be at least 2, but is 1"),
    ],
)
def test_what_makes_no_search_is_told_with_its_line(
    parameters: dict[str, Any], search: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        project({"parameters": parameters, **search})
    assert words in str(caught.value), caught.value
    assert caught.value.where is not None and caught.value.where.startswith("mltk.yaml")


@pytest.mark.parametrize(
    ("problem", "name", "values"),
    [
        ("classification", "class_weights", ["none", "balanced"]),
        ("multilabel", "class_weights", ["none", "balanced"]),
        ("generative", "kl_weight", {"min": 0.1, "max": 1}),
        ("generative", "generator", ["vae", "diffusion"]),
        ("regression", "quantiles", [[0.05, 0.5, 0.95], [0.1, 0.5, 0.9]]),
    ],
)
def test_losses_that_are_not_the_same_are_not_compared(
    problem: str, name: str, values: Any
) -> None:
    plain = model({"network.l2": [0]}).model_copy(update={"problem": problem})
    search = Search.model_validate({"parameters": {f"settings.{name}": values}})
    ((place, why),) = misfits(plain.model_copy(update={"search": search}))
    assert place == ("search", "parameters", f"settings.{name}")
    assert why.startswith(f"settings.{name} changes what the loss means")


def test_every_setting_that_changes_the_loss_is_one() -> None:
    for kind in installed():
        settings = load_problem(kind).settings
        assert settings.changes_loss <= settings.model_fields.keys(), kind


def test_the_line_is_that_of_the_value() -> None:
    content = text({"parameters": {"network.l2": [0], "network.dropout": [0.1, 7]}})
    with pytest.raises(ConfigError) as caught:
        parse(content)
    line = content.splitlines().index("        - 7") + 1
    assert caught.value.where == f"mltk.yaml:{line}"


@pytest.mark.parametrize(
    ("parameters", "search", "words"),
    [
        ({"network.dropout": [0, 0.1]}, {"trials": 3}, "there are no 3 different trials"),
        (
            {
                "network.l2": {"min": 0, "max": 1, "points": 20},
                "training.epochs": list(range(1, 21)),
            },
            {"method": "grid"},
            "the grid has 400 combinations, and 256 is the most",
        ),
        ({"network.dropout": [0, 0.1]}, {"method": "grid", "trials": 1}, "and 1 is the most"),
    ],
)
def test_too_many_trials(parameters: dict[str, Any], search: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        planned(parameters, **search)


def test_a_model_without_a_search_says_what_to_write() -> None:
    plain = model({"network.l2": [0]}).model_copy(update={"search": None})
    with pytest.raises(ConfigError, match="model 'wine' has no search") as caught:
        plan("wine", plain)
    assert "models.wine" in str(caught.value.hint)


def test_a_trial_that_its_kind_of_problem_cannot_learn_is_refused_before_the_search() -> None:
    said = yaml.safe_load(text({"parameters": {"settings.width": [2, 50]}, "method": "grid"}))
    wine = said["models"]["wine"]
    del wine["target"]
    wine |= {"problem": "reduction", "features": [{"name": name} for name in "xyz"]}
    with pytest.raises(ConfigError, match="trial 2 of 'wine' is no model: a code of 50 numbers"):
        plan("wine", parse(yaml.safe_dump(said)).models["wine"])


def test_a_grid_takes_each_combination_once() -> None:
    sizes = {"min": 8, "max": 32, "log": True, "points": 3}
    found = planned({"training.batch_size": sizes, "network.hidden": HIDDEN}, method="grid")
    assert [dict(each.parameters) for each in found.trials] == [
        {"training.batch_size": size, "network.hidden": hidden}
        for size in (8, 16, 32)
        for hidden in HIDDEN
    ]
    assert found.rungs == rungs(9, 90, None)


@given(
    seed=st.integers(0, 2**31 - 1),
    low=st.floats(1e-6, 10, allow_subnormal=False),
    ratio=st.floats(1.001, 1e4),
    log=st.booleans(),
    few=st.integers(1, 5),
    more=st.integers(0, 5),
)
def test_draws_stay_within_and_more_of_them_begin_with_the_same(
    seed: int, low: float, ratio: float, log: bool, few: int, more: int
) -> None:
    span = {"min": low, "max": low * ratio, "log": log}
    batch = {"min": 4, "max": 64, "log": log}
    parameters = {"training.learning_rate": span, "training.batch_size": batch}
    first, second = (
        planned(parameters, seed=seed, trials=count).trials for count in (few, few + more)
    )
    assert second[: len(first)] == first
    assert len({each.name for each in second}) == few + more
    for each in second:
        rate, size = each.parameters.values()
        assert low <= rate <= low * ratio
        assert isinstance(size, int) and 4 <= size <= 64


def test_another_seed_draws_others_and_the_usual_number_is_said() -> None:
    found = [planned({"training.learning_rate": RATE}, seed=seed).trials for seed in (1, 2)]
    assert [len(each) for each in found] == [20, 20]
    assert {each.name for each in found[0]} != {each.name for each in found[1]}


@pytest.mark.parametrize(
    ("trials", "halving", "expected"),
    [
        (9, {"min_epochs": 1}, [(10, 9), (30, 3)]),
        (27, {"min_epochs": 1}, [(4, 27), (10, 9), (30, 3)]),
        (27, {"min_epochs": 10}, [(10, 27), (30, 9), (90, 3)]),
        (2, {"factor": 2, "min_epochs": 1}, [(45, 2)]),
        (4, {"min_epochs": 90}, [(90, 4)]),
        (1, {}, [(90, 1)]),
    ],
)
def test_rungs_of_successive_halving(
    trials: int, halving: dict[str, int], expected: list[tuple[int, int]]
) -> None:
    found = rungs(trials, 90, Halving(**halving))
    assert [(rung.epochs, rung.trials) for rung in found] == expected


@given(st.integers(1, 256), st.integers(1, 2000), st.integers(2, 16), st.integers(1, 100))
def test_each_rung_has_fewer_trials_and_more_epochs(
    trials: int, epochs: int, factor: int, least: int
) -> None:
    found = rungs(trials, epochs, Halving(factor=factor, min_epochs=least))
    assert found[0].trials == trials
    assert min(least, epochs) <= found[0].epochs and found[-1].epochs <= epochs
    for before, after in itertools.pairwise(found):
        assert 1 < after.trials < before.trials
        assert math.isclose(before.trials // factor, after.trials, abs_tol=1)
        assert after.epochs > before.epochs
    whole = SearchPlan((), found)
    assert whole.epochs <= trials * epochs


def test_a_model_with_parameters_is_the_one_that_mltk_yaml_would_say() -> None:
    search = {"parameters": {"training.learning_rate": RATE, "network.hidden": HIDDEN}}
    asked = {"training.learning_rate": 0.0123, "network.hidden": [16, 8]}
    said = yaml.safe_load(text(search))
    written = said["models"]["wine"]
    del written["search"]
    written["training"]["learning_rate"] = 0.0123
    written["network"] = {"hidden": [16, 8]}
    expected = parse(yaml.safe_dump(said)).models["wine"]
    found = with_parameters(project(search).models["wine"], asked)
    assert key(key_parts("wine", found, "md5:1")) == key(key_parts("wine", expected, "md5:1"))
    assert found.gate.model_fields_set == expected.gate.model_fields_set


def test_what_trials_share_is_all_but_what_is_searched() -> None:
    base = model({"training.learning_rate": RATE})
    searched = ["training.learning_rate"]

    def shared(**changes: Any) -> str:
        return shared_key("wine", with_parameters(base, changes), "md5:1", searched)

    assert shared() == shared(**{"training.learning_rate": 0.5})
    assert shared() != shared(**{"training.patience": 8})
    assert shared() != shared_key("wine", base, "md5:2", searched)


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "{",
        '{"data.path": "/etc/passwd"}',
        '"x"',
        '{"settings": 1}',
        '{"settings.": 1}',
        '{"training.start": "champion"}',
    ],
)
def test_parameters_that_no_search_sets_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="parameters must be JSON, by name"):
        parameters_of(text)


def test_parameters_that_fit_no_model_are_refused() -> None:
    with pytest.raises(ConfigError, match="dropout must be less than 1"):
        with_parameters(model({"network.l2": [0]}), {"network.dropout": 2})


def test_a_value_is_worded_alike_wherever_it_is_told() -> None:
    asked = {"network.activation": "relu", "network.hidden": [16, 8], "network.dropout": 0.1}
    assert words(asked) == "network.activation=relu, network.hidden=[16, 8], network.dropout=0.1"
    assert [worded(value) for value in asked.values()] == ["relu", "[16, 8]", "0.1"]


# The run


def _manifest(**search: Any) -> dict[str, Any]:
    found = project(search)
    wine = found.models["wine"]
    parts = key_parts("wine", wine, "md5:1")
    request = RunRequest(
        "cellar", "wine", "/there", "f" * 40, "md5:1", parts, key(parts), "p" * 64, "",
        wine.resources,
    )  # fmt: skip
    delivery = run_manifest(found, request, tracking_uri="http://m", namespace="n")
    pipeline = next(each for each in manifests() if each["metadata"]["name"] == PIPELINE)
    return search_manifest(delivery, pipeline, plan("wine", wine), recall=True)


def test_the_run_fans_out_over_the_trials_and_then_delivers() -> None:
    run = _manifest(
        parameters={"training.learning_rate": RATE}, trials=9, halving={"min_epochs": 1}
    )
    assert all("has no effect here" in warning for warning in admit(run))
    assert run["metadata"]["labels"] == {
        "app.kubernetes.io/part-of": "mltk",
        "mltk.dev/searches": "wine",
    }
    tasks = {task["name"]: task for task in run["spec"]["pipelineSpec"]["tasks"]}
    assert list(tasks) == [
        "fetch-data", "plan-search", "recall-trials", "trials-1", "choose-1", "trials-2",
        "choose-trial", *TASKS[1:-1],
    ]  # fmt: skip
    (fan,) = tasks["trials-2"]["matrix"]["params"]
    assert fan == {"name": "trial", "value": "$(tasks.choose-1.results.trials[*])"}
    params = {each["name"]: each["value"] for each in run["spec"]["params"]}
    assert len(params["trials"]) == 9
    specs = {each["pipelineTaskName"]: each for each in run["spec"]["taskRunSpecs"]}
    assert set(specs) == {*tasks, "report"}
    resources = "computeResources"
    assert specs["trials-1"][resources] == specs["train-model"][resources]
    told = [each for each in tasks["train-model"]["params"] if each["name"] == "key"]
    assert told == [{"name": "key", "value": "$(tasks.choose-trial.results.key)"}]


def test_no_task_that_learns_holds_a_credential() -> None:
    run = _manifest(parameters={"network.dropout": [0, 0.1]}, method="grid")
    for task in run["spec"]["pipelineSpec"]["tasks"]:
        assert "secret" not in json.dumps(task.get("taskSpec", {})).lower(), task["name"]
        for step in task.get("taskSpec", {}).get("steps", ()):
            assert step["command"][0] == "mltk"
    shipped = {each["metadata"]["name"] for each in manifests() if each["kind"] == "Task"}
    tasks = run["spec"]["pipelineSpec"]["tasks"]
    assert {task["taskRef"]["name"] for task in tasks if "taskRef" in task} <= shipped


def test_no_limit_of_one_delivery_ends_a_search_but_every_task_has_its_own() -> None:
    run = _manifest(
        parameters={"training.learning_rate": RATE}, trials=27, halving={"min_epochs": 1}
    )
    assert run["spec"]["timeouts"] == {"pipeline": "0s", "finally": "30m0s"}
    pipeline = run["spec"]["pipelineSpec"]
    assert all("timeout" in task for task in [*pipeline["tasks"], *pipeline["finally"]])
