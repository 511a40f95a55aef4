"""What is told of an EventListener before an event comes."""

from __future__ import annotations

import pytest

from mltk.tekton.triggers.lacks import Known, Lack, lacks

from .test_sink import TEMPLATE, Obj, World, trigger

pytest.importorskip("cel_expr_python", reason="CEL needs the package cel-expr-python")

OWNER = "EventListener el"


def told(spec: Obj, *objects: Obj) -> list[Lack]:
    world = World(objects)
    secrets = {("ns", "git"): {"token": b"1"}}
    known = Known(world.get, world.triggers, lambda *place: secrets.get(place))
    return lacks({"metadata": {"name": "el", "namespace": "ns"}, "spec": spec}, known)


def core(name: str, **params: object) -> Obj:
    return {
        "ref": {"name": name},
        "params": [{"name": each, "value": value} for each, value in params.items()],
    }


def secret(name: str, key: str) -> Obj:
    return {"secretName": name, "secretKey": key}


def test_what_is_all_there_is_not_told() -> None:
    chain = [
        core("github", secretRef=secret("git", "token")),
        core("cel", filter="body.a == 1", overlays=[{"key": "k", "expression": "body.a"}]),
        {"webhook": {"url": "http://hook/"}},
    ]
    spec = {
        "triggers": [
            {"interceptors": chain, "bindings": [{"name": "a", "value": "b"}], "template": TEMPLATE}
        ]
    }

    assert told(spec) == []


def test_what_is_missing_is_told_with_its_place() -> None:
    chain = [
        core("gitlab", secretRef=secret("no", "token")),
        core("github", addChangedFiles={"personalAccessToken": secret("git", "no")}),
        core("other"),
        {"ref": {"name": "mine", "kind": "NamespacedInterceptor"}},
    ]
    bindings = [{"ref": "one"}, {"ref": "two", "kind": "ClusterTriggerBinding"}]
    spec = {
        "triggers": [
            {"triggerRef": "gone"},
            {"interceptors": chain, "bindings": bindings, "template": {"ref": "made"}},
        ]
    }

    assert told(spec) == [
        Lack(
            OWNER,
            "triggers",
            "Error getting Trigger gone in Namespace ns: "
            'trigger.triggers.tekton.dev "gone" not found',
        ),
        Lack(OWNER, "triggers[1].interceptors[0].params", 'secrets "no" not found', "no"),
        Lack(OWNER, "triggers[1].interceptors[1].params", "cannot find no key in secret ns/git"),
        Lack(OWNER, "triggers[1].interceptors[2].ref", "there is no ClusterInterceptor other"),
        Lack(OWNER, "triggers[1].interceptors[3].ref", "there is no Interceptor mine"),
        Lack(OWNER, "triggers[1].bindings[0].ref", "there is no TriggerBinding one"),
        Lack(OWNER, "triggers[1].bindings[1].ref", "there is no ClusterTriggerBinding two"),
        Lack(OWNER, "triggers[1].template.ref", "there is no TriggerTemplate made"),
    ]


def test_expressions_that_do_not_compile_are_told_with_line_and_column() -> None:
    chain = [core("cel", filter="body.a ==\n  nope", overlays=[{"key": "k", "expression": "1 +"}])]

    one, two = told({"triggers": [{"interceptors": chain, "template": TEMPLATE}]})

    assert one.path == two.path == "triggers[0].interceptors[0].params"
    assert "<input>:2:3: undeclared reference to 'nope'" in one.what
    assert "<input>:1:4: Syntax error" in two.what


def test_triggers_that_are_selected_are_looked_at_once() -> None:
    objects = [
        trigger("a", template={"ref": "made"}),
        trigger("b", "other", interceptors=[core("x")]),
    ]
    group = {
        "name": "g",
        "interceptors": [core("y")],
        "triggerSelector": {"namespaceSelector": {"matchNames": ["*"]}},
    }

    assert told({"labelSelector": {}, "triggerGroups": [group]}, *objects) == [
        Lack(OWNER, "triggerGroups[0].interceptors[0].ref", "there is no ClusterInterceptor y"),
        Lack("Trigger a", "template.ref", "there is no TriggerTemplate made"),
        Lack("Trigger b", "interceptors[0].ref", "there is no ClusterInterceptor x"),
    ]


def test_params_are_the_own_matter_of_who_answers_elsewhere_under_a_core_name() -> None:
    elsewhere = {
        "kind": "ClusterInterceptor",
        "metadata": {"name": "cel"},
        "spec": {"clientConfig": {"url": "http://mine/"}},
    }
    spec = {"triggers": [{"interceptors": [core("cel", filter="1 +")], "template": TEMPLATE}]}

    assert told(spec, elsewhere) == []
    assert len(told(spec)) == 1
