from __future__ import annotations

from typing import Any

import pytest

from mltk.tekton.triggers.errors import TriggerError
from mltk.tekton.triggers.templates import Origin, created, resources

ORIGIN = Origin("listener", "push", "1234", "team")


def template(*listed: Any, **annotations: str) -> dict[str, Any]:
    return {"metadata": {"annotations": annotations}, "spec": {"resourcetemplates": list(listed)}}


def test_values_go_into_the_json_so_that_objects_can_come_from_outside() -> None:
    made = resources(
        template({"kind": "PipelineRun", "spec": {"s": "$(tt.params.a)", "o": "x"}}),
        {"a": '", "evil": "1'},
        "u",
    )
    assert made == ['{"kind":"PipelineRun","spec":{"o":"x","s":"", "evil": "1"}}']


def test_a_value_names_no_variable_of_the_run_nor_of_the_template() -> None:
    made = resources(
        template({"x": "$(tt.params.a) $(tt.params.b) $(tt.params.zz)"}),
        {"a": "$(params.secret)", "b": "$(tt.params.a)"},
        "u",
    )
    assert made == ['{"x":"$$(params.secret) $$(tt.params.a) $(tt.params.zz)"}']


def test_one_uid_is_in_all_resources() -> None:
    made = resources(template({"x": "$(uid)-$(uid)"}, {"y": "$(uid)"}), {}, "77")
    assert made == ['{"x":"77-77"}', '{"y":"77"}']


def test_quotes_are_escaped_as_they_once_were_where_the_annotation_asks() -> None:
    old = template({"x": "$(tt.params.a)"}, **{"triggers.tekton.dev/old-escape-quotes": "true"})
    assert resources(old, {"a": '{"b":1}'}, "u") == ['{"x":"{\\"b\\":1}"}']


def test_what_is_created_is_labelled_and_has_a_namespace() -> None:
    made = created(
        '{"kind":"PipelineRun","metadata":{"generateName":"r-","labels":{"a":"b"}},"n":1}', ORIGIN
    )
    assert made == {
        "kind": "PipelineRun",
        "metadata": {
            "generateName": "r-",
            "namespace": "team",
            "labels": {
                "a": "b",
                "triggers.tekton.dev/eventlistener": "listener",
                "triggers.tekton.dev/trigger": "push",
                "triggers.tekton.dev/triggers-eventid": "1234",
            },
        },
        "n": 1,
    }
    assert (
        created('{"kind":"Task","metadata":{"namespace":"n"}}', ORIGIN)["metadata"]["namespace"]
        == "n"
    )


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ('{"kind":', "couldn't unmarshal json from the TriggerTemplate"),
        ('"text"', "Object 'Kind' is missing"),
        ('{"metadata":{}}', "Object 'Kind' is missing"),
        ('{"kind":"Task","metadata":{"labels":{"a":1}}}', "labels accessor error"),
        ('{"kind":"Task","metadata":3}', "labels accessor error"),
        ('{"kind":"Task","metadata":{"labels":null}}', "labels accessor error"),
    ],
)
def test_what_is_no_object_is_refused(resource: str, message: str) -> None:
    with pytest.raises(TriggerError, match=message):
        created(resource, ORIGIN)
