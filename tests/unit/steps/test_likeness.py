"""When is a model the same again?"""

from __future__ import annotations

import dataclasses
import json

import pytest

from mltk.records import Environment, Finding, Original, Reproduction
from mltk.steps.compare import fitting
from mltk.steps.environment import differences, measure
from mltk.steps.likeness import Again, judge
from mltk.tfjs import Lineage, Manifest
from mltk.tfjs.manifest import File, Golden, GoldenTensor

ENVIRONMENT = Environment("3.11.1", "Linux x86_64", "Some CPU", {"numpy": "2.1.3", "keras": "3.9"})
PARTS = {"data": "md5:1", "spec": "aa", "code": "bb", "seed": "7"}


def _manifest(weights: str = "w", answer: float = 2.0, question: float = 1.0) -> Manifest:
    return Manifest(
        format_version=1,
        name="m",
        problem="regression",
        description="",
        inputs=(),
        outputs=(),
        metrics=(),
        lineage=Lineage(),
        quantization="none",
        files=(File("group1.bin", 4, weights), File("model.json", 4, "g")),
        total_bytes=8,
        golden=Golden(
            {"features": GoldenTensor((1, 1), "float32", (question,))},
            {"y": GoldenTensor((1, 1), "float32", (answer,))},
        ),
    )


ORIGINAL = Original(
    "models:/m/1", "sha256:1", "md5:1", PARTS, {"rmse": 50.0, "bias": 0.0}, ENVIRONMENT
)
AGAIN = Again("sha256:1", "md5:1", PARTS, {"rmse": 50.0, "bias": 0.0}, ENVIRONMENT, _manifest())


def _judge(
    original: Original = ORIGINAL, then: Manifest | None = None, **now: object
) -> Reproduction:
    return judge(original, then or _manifest(), dataclasses.replace(AGAIN, **now), 1e-4)  # type: ignore[arg-type]


def test_all_the_same_is_identical() -> None:
    found = _judge()
    assert (found.verdict, found.reproduced, found.causes) == ("identical", True, ())


def test_another_lineage_alone_makes_no_other_model() -> None:
    found = _judge(digest="sha256:2", key_parts={**PARTS, "code": "cc"})
    assert found.verdict == "identical"
    assert "another lineage" in found.reason
    assert [(each.name, each.recorded, each.found) for each in found.causes] == [
        ("code", "bb", "cc")
    ]


@pytest.mark.parametrize(
    ("answer", "rmse", "verdict"),
    [(2.0001, 50.0049, "equal"), (2.001, 50.0, "different"), (2.0, 50.006, "different")],
)
def test_near_is_equal_within_the_tolerance(answer: float, rmse: float, verdict: str) -> None:
    manifest = _manifest("v", answer)
    found = _judge(manifest=manifest, digest="sha256:2", metrics={"rmse": rmse, "bias": 0.0})
    assert found.verdict == verdict
    assert found.reproduced == (verdict == "equal")


def test_a_difference_is_named_with_its_size() -> None:
    found = _judge(metrics={"rmse": 53.0})
    named = {each.name: each for each in found.findings}
    assert (found.verdict, found.reason) == ("different", "not as recorded: rmse, bias")
    assert named["rmse"].difference == 3.0
    assert named["bias"].found == "absent"


def test_other_data_other_rows_or_a_changed_store_are_different() -> None:
    assert _judge(data_version="md5:2").verdict == "different"
    assert _judge(manifest=_manifest(question=3.0)).verdict == "different"
    damaged = dataclasses.replace(ORIGINAL, damage="has another digest")
    assert _judge(damaged).reason == "not as recorded: stored bundle"


def test_other_weights_are_judged_by_what_they_answer_and_not_by_what_their_bundle_says() -> None:
    now = dataclasses.replace(AGAIN, manifest=_manifest("v"))
    for difference, verdict in ((1e-6, "equal"), (0.3, "different"), (None, "different")):
        apart = Finding("answers", "20 rows", "20 rows", same=False, difference=difference)
        assert judge(ORIGINAL, _manifest("w"), now, 1e-4, apart).verdict == verdict


def test_without_its_bundle_the_digest_and_the_metrics_decide() -> None:
    assert judge(ORIGINAL, None, AGAIN, 1e-4).verdict == "identical"
    other = dataclasses.replace(AGAIN, digest="sha256:2")
    assert judge(ORIGINAL, None, other, 1e-4).verdict == "equal"


def test_an_environment_differs_package_by_package() -> None:
    now = dataclasses.replace(ENVIRONMENT, packages={"numpy": "2.2.0", "h5py": "3"}, python="3.12")
    assert [(each.name, each.recorded, each.found) for each in differences(ENVIRONMENT, now)] == [
        ("python", "3.11.1", "3.12"),
        ("h5py", "absent", "3"),
        ("keras", "3.9", "absent"),
        ("numpy", "2.1.3", "2.2.0"),
    ]


def test_the_environment_of_this_process_names_what_training_computes_with() -> None:
    found = measure()
    assert {"keras", "numpy", "tensorflow", "protobuf"} <= set(found.packages)
    assert differences(found, found) == ()


def test_a_result_keeps_its_room_whatever_differs() -> None:
    many = {f"package-{number}": str(number) for number in range(500)}
    found = _judge(environment=dataclasses.replace(ENVIRONMENT, packages=many))
    assert len(found.causes) > 500
    text = fitting(found)
    assert len(text) <= 3000
    read = Reproduction.loads(text)
    assert (read.verdict, read.findings) == (found.verdict, found.findings)
    assert json.loads(text)["causes"]
