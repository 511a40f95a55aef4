from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mltk.project import key as keys
from mltk.project.key import (
    changed,
    code_identity,
    key,
    key_parts,
    policy,
    shared_key,
    trial_identity,
)
from mltk.project.load import load
from mltk.project.spec import Model

GOLDEN = Path(__file__).parents[2] / "golden" / "compile"


@pytest.fixture
def model() -> Model:
    return load(GOLDEN / "regression.mltk.yaml").models["diabetes"]


TOLERATE_ALL = [{"operator": "Exists"}]


def with_change(model: Model, **sections: Any) -> Model:
    return Model.model_validate(model.model_dump() | sections)


@pytest.mark.parametrize(
    ("sections", "parts"),
    [
        ({"seed": 1}, ("seed",)),
        ({"training": {"epochs": 51}}, ("spec",)),
        ({"export": {"quantization": "uint16"}}, ("spec",)),
        ({"target": {"name": "progression", "unit": "points"}}, ("spec",)),
        (
            {"target": {"name": "progression", "unit": "score", "description": "a year on"}},
            ("spec",),
        ),
        ({"description": "other words"}, ("spec",)),
        ({"resources": {"cpu": "8"}}, ()),
        ({"resources": {"accelerator": "gpu", "architecture": "arm64"}}, ()),
        ({"resources": {"node_selector": {"a": "b"}, "tolerations": TOLERATE_ALL}}, ()),
        ({"gate": {"baseline": "none"}, "deploy": {"folder": "public"}}, ()),
        ({"checks": {"drift": {"policy": "fail"}}}, ()),
        ({"split": {"group": "patient"}}, ("spec",)),
    ],
)
def test_what_changes_the_key(
    model: Model, sections: dict[str, Any], parts: tuple[str, ...]
) -> None:
    before = key_parts("m", model, "md5:aa")
    now = key_parts("m", with_change(model, **sections), "md5:aa")
    assert changed(before.as_dict(), now.as_dict()) == parts
    assert (key(before) == key(now)) == (not parts)


def test_the_data_come_first_among_the_reasons(model: Model) -> None:
    before = key_parts("m", model, "md5:aa").as_dict()
    now = key_parts("m", with_change(model, seed=3), "md5:bb").as_dict()
    assert changed(before, now) == ("data", "seed")


def test_the_policy_is_how_the_model_is_judged(model: Model) -> None:
    assert policy(model) == policy(with_change(model, seed=3))
    assert policy(model) == policy(with_change(model, resources={"accelerator": "tpu"}))
    assert policy(model) != policy(with_change(model, gate={"baseline": "none"}))
    assert policy(model) != policy(with_change(model, deploy={"folder": "public"}))
    assert policy(model) != policy(with_change(model, checks={"leakage": "fail"}))
    assert len({policy(model), policy(model, b"a"), policy(model, b"b")}) == 3


def test_the_same_code_has_one_identity() -> None:
    first = code_identity()
    code_identity.cache_clear()
    assert code_identity() == first


@pytest.mark.parametrize("name", ["steps/trial.py", "steps/trials.py", "project/parameters.py"])
def test_scores_of_other_search_code_are_not_recalled(
    model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = keys._file_digest

    def shared() -> str:
        trial_identity.cache_clear()
        return shared_key("m", model, "md5:aa", [])

    before, code = shared(), code_identity()
    monkeypatch.setattr(
        keys, "_file_digest", lambda path: "" if path.as_posix().endswith(name) else digest(path)
    )
    code_identity.cache_clear()
    changed_key = shared()
    trial_identity.cache_clear()
    assert changed_key != before
    assert code_identity() == code, "no model is made by it"
    code_identity.cache_clear()
