from __future__ import annotations

from mltk.tekton import params
from mltk.tekton.podtemplate import with_params

VARIABLES = params.variables({"p": "v", "list": ["a", "b"]})


def test_params_count_in_volumes_and_variables_of_a_pod_template() -> None:
    template = {
        "volumes": [
            {"name": "$(params.p)", "secret": {"secretName": "s-$(params.list[1])"}},
            {"name": "c", "configMap": {"name": "n", "items": [{"key": "$(params.p)"}]}},
        ],
        "env": [{"name": "$(params.p)", "value": "$(params.p) $(other)"}],
        "nodeSelector": {"a": "b"},
    }
    assert with_params(template, VARIABLES) == {
        "volumes": [
            {"name": "v", "secret": {"secretName": "s-b"}},
            {"name": "c", "configMap": {"name": "n", "items": [{"key": "v"}]}},
        ],
        "env": [{"name": "v", "value": "v $(other)"}],
        "nodeSelector": {"a": "b"},
    }


def test_other_fields_of_volumes_are_left_as_tekton_leaves_them() -> None:
    path = {"name": "h", "hostPath": {"path": "/$(params.p)"}}
    source = {"secret": {"name": "$(params.p)", "items": [{"key": "$(params.p)"}]}}
    projected = {"name": "p", "projected": {"sources": [source, {"configMap": {}}]}}
    found = with_params({"volumes": [path, projected]}, VARIABLES)["volumes"]
    assert found[0] == path
    kept = {"secret": {"name": "v", "items": [{"key": "$(params.p)"}]}}
    assert found[1]["projected"]["sources"] == [kept, {"configMap": {}}]


def test_there_need_be_none() -> None:
    assert with_params({}, VARIABLES) == {"volumes": [], "env": []}
