"""Who asks for the same at the same moment asks for the same name."""

from __future__ import annotations

import re

from mltk.cli.claiming import named
from mltk.tekton.objects import Obj, name_of

PARAMS = {
    "revision": "a" * 40,
    "model": "wine",
    "data-version": "md5:1",
    "tracking-uri": "http://mlflow:5000",
}


def asked(key: str = "k", model: str = "wine", **params: str) -> Obj:
    given = PARAMS | {"model": model} | {k.replace("_", "-"): v for k, v in params.items()}
    labels = {"mltk.dev/model": model, "mltk.dev/key": key, "mltk.dev/policy": "p"}
    return {
        "kind": "PipelineRun",
        "metadata": {"generateName": f"{model}-", "namespace": "ml", "labels": labels},
        "spec": {"params": [{"name": name, "value": value} for name, value in given.items()]},
    }


def made(uid: str) -> Obj:
    return {"kind": "PipelineRun", "metadata": {"uid": uid}}


def test_the_name_is_as_kubernetes_would_have_made_it() -> None:
    run = named(asked(), [])
    assert re.fullmatch("wine-[bcdfghjklmnpqrstvwxz2456789]{5}", name_of(run))
    assert "generateName" not in run["metadata"]
    assert run["spec"] == asked()["spec"]


def test_the_same_is_named_the_same_from_another_commit() -> None:
    assert name_of(named(asked(), [])) == name_of(named(asked(revision="b" * 40), []))
    said = asked(register="true")
    assert name_of(named(asked(), [])) == name_of(named(said, []))


def test_what_another_has_to_tell_is_not_the_same() -> None:
    """The status goes to one commit, the comment to one pull request."""
    forge = "gitea:https://git.example.org/team/wine"
    kinds = [
        asked(),
        asked(key="other"),
        asked(register="false"),
        asked(tracking_uri="http://other:5000"),
        asked(forge=forge),
        asked(forge=forge, revision="b" * 40),
        asked(forge=forge, pull_request="1"),
        asked(forge=forge, pull_request="2"),
    ]
    assert len({name_of(named(each, [])) for each in kinds}) == len(kinds)
    again = asked(forge=forge, pull_request="2", revision="b" * 40)
    assert name_of(named(again, [])) == name_of(named(kinds[-1], []))


def test_a_run_that_is_there_asks_for_another_name() -> None:
    first, second = made("1"), made("2")
    names = [
        name_of(named(asked(), before, attempt))
        for before in ([], [first], [first, second])
        for attempt in (0, 1)
    ]
    assert len(set(names)) == len(names)
    assert name_of(named(asked(), [second, first])) == name_of(named(asked(), [first, second]))
