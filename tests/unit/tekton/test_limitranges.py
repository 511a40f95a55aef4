"""What a namespace's LimitRanges make of a pod, and which LimitRanges there may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.errors import AdmissionError
from mltk.tekton.admission import admit
from mltk.tekton.config import TEKTONS
from mltk.tekton.defaults import with_defaults
from mltk.tekton.objects import Obj, spec_of
from mltk.tekton.resolved import POD_PATHS
from mltk.tekton.taskrun import resolve
from mltk.tekton.verdicts import TaskRunRejected

ASKED: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "limitranges.yaml").read_text(encoding="utf-8")
)


def limit_range(limits: Any) -> Obj:
    metadata = {"name": "bounds", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": limits}


@pytest.mark.parametrize("name", ASKED)
def test_a_pod_asks_for_what_it_asks_for_in_a_cluster(name: str) -> None:
    case = ASKED[name]
    ranges = []
    for limits in case.get("ranges", ()):
        obj = limit_range({"limits": limits})
        assert admit(obj) == []
        ranges.append(spec_of(with_defaults(obj, TEKTONS.defaults))["limits"])
    run: Obj = {
        "metadata": {"name": "run", "namespace": "default"},
        "spec": {"taskSpec": {}, "computeResources": case.get("whole")},
    }
    task = {
        part: [{**each, "image": "i", "command": ["true"]} for each in case["task"].get(part, ())]
        for part in ("steps", "sidecars")
    }
    if why := case.get("refused"):
        with pytest.raises(TaskRunRejected) as refusal:
            resolve(run, task, POD_PATHS, ranges=ranges)
        assert refusal.value.reason == "PodCreationFailed"
        made = f'failed to create task run pod "run": {why}. Maybe invalid TaskSpec'
        assert refusal.value.message == made
        return
    found = resolve(run, task, POD_PATHS, ranges=ranges).containers
    asks = {
        each.container: {
            "requests": dict(each.resources.requests),
            "limits": dict(each.resources.limits),
        }
        for each in found
    }
    nothing: Obj = {"requests": {}, "limits": {}}
    assert asks == {name: {**nothing, **each} for name, each in case["asks"].items()}


def test_a_second_attempt_is_refused_by_the_name_of_its_own_pod() -> None:
    ranges = [[{"type": "Container", "max": {"cpu": "1"}}]]
    run: Obj = {
        "metadata": {"name": "run", "namespace": "default"},
        "spec": {"taskRef": {"name": "t"}},
        "status": {"retriesStatus": [{}]},
    }
    step = {"name": "a", "image": "i", "computeResources": {"limits": {"cpu": "2"}}}
    with pytest.raises(TaskRunRejected, match=r'pods "run-pod-retry1" is forbidden: .*default/t'):
        resolve(run, {"steps": [step]}, POD_PATHS, ranges=ranges)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"max": {"cpu": 2}}, {"default": {"cpu": "2"}, "defaultRequest": {"cpu": "2"}}),
        ({"min": {"memory": "1024Mi"}}, {"defaultRequest": {"memory": "1Gi"}}),
        (
            {"max": {"cpu": "2"}, "min": {"cpu": "1000m"}, "default": {"memory": "1Gi"}},
            {
                "default": {"cpu": "2", "memory": "1Gi"},
                "defaultRequest": {"cpu": "2", "memory": "1Gi"},
            },
        ),
        ({"defaultRequest": {"cpu": "1"}}, {"defaultRequest": {"cpu": "1"}}),
    ],
)
def test_what_it_does_not_say_follows_from_what_it_says(given: Obj, kept: Obj) -> None:
    def made(kind: str) -> Obj:
        obj = limit_range({"limits": [{"type": kind, **given}]})
        limits = spec_of(with_defaults(obj, TEKTONS.defaults))["limits"]
        return {part: limits[0].get(part) for part in ("default", "defaultRequest")}

    assert made("Container") == {"default": None, "defaultRequest": None, **kept}
    assert made("Pod") == {part: given.get(part) for part in ("default", "defaultRequest")}


# As the API server of Kubernetes 1.34 says them, but for the types that have no meaning here.
@pytest.mark.parametrize(
    ("item", "place", "said"),
    [
        ({"type": None}, "type", 'Invalid value: "": name part must be non-empty'),
        (
            {"type": "Foo"},
            "type",
            'Invalid value: "Foo": must be a standard limit type or fully qualified',
        ),
        (
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
            "type",
            "'PersistentVolumeClaim': a claim is a folder of this machine, which has no size",
        ),
        (
            {"min": {"cpu": 2}, "max": {"cpu": 1}},
            "min[cpu]",
            'Invalid value: "2": min value 2 is greater than max value 1',
        ),
        (
            {"max": {"cpu": 2}, "default": {"cpu": 3}, "defaultRequest": {"cpu": 1}},
            "default[cpu]",
            'Invalid value: "2": default value 3 is greater than max value 2',
        ),
        (
            {"min": {"cpu": 2}, "default": {"cpu": 1}, "defaultRequest": {"cpu": 3}},
            "defaultRequest[cpu]",
            'Invalid value: "3": default request value 3 is greater than default limit value 1',
        ),
        (
            {"min": {"cpu": 2}, "defaultRequest": {"cpu": 1}},
            "defaultRequest[cpu]",
            'Invalid value: "1": min value 2 is greater than default request value 1',
        ),
        (
            {"max": {"cpu": 2}, "defaultRequest": {"cpu": 3}},
            "defaultRequest[cpu]",
            'Invalid value: "3": default request value 3 is greater than max value 2',
        ),
        (
            {"min": {"cpu": 2}, "default": {"cpu": 1}, "defaultRequest": {"cpu": 2}},
            "default[cpu]",
            'Invalid value: "2": min value 2 is greater than default value 1',
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "500m"}},
            "maxLimitRequestRatio[cpu]",
            'Invalid value: "500m": ratio 500m is less than 1',
        ),
        (
            {"min": {"cpu": 1}, "max": {"cpu": 2}, "maxLimitRequestRatio": {"cpu": 3}},
            "maxLimitRequestRatio[cpu]",
            'Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
        ),
        (
            {"default": {"example.com/gpu": 3}, "defaultRequest": {"example.com/gpu": 2}},
            "defaultRequest[example.com/gpu]",
            'Invalid value: "2": default value 3 must equal to defaultRequest value 2'
            " in example.com/gpu",
        ),
        (
            {"type": "Pod", "default": {"cpu": 1}},
            "default",
            "Forbidden: may not be specified when `type` is 'Pod'",
        ),
        (
            {"max": {"pods": 1}},
            "max[pods]",
            'Invalid value: "pods": must be a standard resource for containers',
        ),
        (
            {"min": {"a/b/c": 1}},
            "min[a/b/c]",
            'Invalid value: "a/b/c": doesn\'t follow extended resource name standard',
        ),
        ({"min": {"cpu": "abc"}}, "min", "must hold amounts such as 500m, 2 or 1Gi"),
        ({"typ": "Container"}, "typ", "unknown field 'typ'; did you mean 'type'?"),
    ],
)
def test_one_that_contradicts_itself_is_refused(item: Obj, place: str, said: str) -> None:
    obj = limit_range({"limits": [{"type": "Container", **item}]})
    with pytest.raises(AdmissionError) as refusal:
        admit(obj)
    told = f"{refusal.value.where}: {refusal.value.what}\n{refusal.value.hint}"
    assert f"spec.limits[0].{place}: {said}" in told


def test_a_type_stands_in_it_once() -> None:
    item = {"type": "Container", "min": {"cpu": "1"}}
    with pytest.raises(AdmissionError, match=r'Duplicate value: "Container"$') as refusal:
        admit(limit_range({"limits": [item, item]}))
    assert str(refusal.value.where).endswith("spec.limits[1].type")


@pytest.mark.parametrize("spec", [None, {}, {"limits": None}, {"limits": []}])
def test_one_that_says_nothing_is_taken_as_it_is(spec: Any) -> None:
    obj = limit_range(spec)
    assert admit(obj) == []
    assert with_defaults(obj, TEKTONS.defaults) == obj


@pytest.mark.parametrize("spec", ["x", {"limits": "x"}, {"limits": ["x"]}])
def test_one_that_is_none_is_refused(spec: Any) -> None:
    with pytest.raises(AdmissionError, match=r"must (be a list|hold keys and values)"):
        admit(limit_range(spec))
