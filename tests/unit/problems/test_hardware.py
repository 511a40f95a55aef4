"""Threads, GPUs and precision: what is chosen, and that the model is the same one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.data.table import Rows
from mltk.problems import load_problem
from mltk.problems.quota import processors
from mltk.project.spec import Model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.mark.parametrize(
    ("kind", "there", "wanted", "count", "word"),
    [
        ("CPU", 1, 1, 1, ""),
        ("CPU", 1, "all", 1, ""),
        ("CPU", 1, 2, 1, "no GPU and no TPU is there for devices: 2"),
        ("GPU", 1, "all", 1, ""),
        ("GPU", 4, 1, 1, "4 GPUs are there, the training uses 1; training.devices: all uses every"),
        ("GPU", 4, 2, 2, "4 GPUs are there, the training uses 2"),
        ("GPU", 1, 2, 1, "training.devices is 2, but there is 1 GPU"),
        ("GPU", 4, "all", 4, ""),
        ("TPU", 8, "all", 8, ""),
    ],
)
def test_as_many_devices_as_there_are_and_a_word_for_the_rest(
    kind: str, there: int, wanted: Any, count: int, word: str
) -> None:
    from mltk.problems.hardware import chosen

    found = chosen(kind, there, wanted)
    assert found[0] == count
    assert found[1].startswith(word) if word else not found[1]


def test_the_quota_of_a_container_counts_and_not_its_machine(tmp_path: Path) -> None:
    own, inner = tmp_path / "cgroup", tmp_path / "fs" / "kubepods" / "pod"
    inner.mkdir(parents=True)
    own.write_text("0::/kubepods/pod\n")
    everything = processors(tmp_path / "fs", own)
    assert everything >= 1
    (inner / "cpu.max").write_text("max 100000\n")
    assert processors(tmp_path / "fs", own) == everything
    (inner.parent / "cpu.max").write_text("50000 100000\n")
    assert processors(tmp_path / "fs", own) == 1
    own.write_text("0::/\n")
    assert processors(tmp_path / "fs", own) == everything


def spec(problem: str, **training: Any) -> Model:
    targets = {"regression": {"name": "y"}, "classification": {"name": "y", "values": ["u", "v"]}}
    content: dict[str, Any] = {
        "problem": problem,
        "data": {"path": "t.csv"},
        "features": [{"name": name, "type": "numeric"} for name in "abcd"],
        "network": {"hidden": [8], "l2": 0.01},
        "training": {"epochs": 4, "learning_rate": 0.02, "batch_size": 25, **training},
    }
    if problem in targets:
        content["target"] = targets[problem]
    return Model.model_validate(content)


def rows(problem: str, count: int, seed: int) -> Rows:
    """What is learnt without a target has its features for one."""
    features = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    known = {
        "regression": features @ [3, 1, 0, 0],
        "classification": (features @ [3, 1, 0, 0] > 0).astype(np.int64),
    }
    return Rows(features, known.get(problem, features), ("u", "v"))


def learnt(model: Model, **going_on: Any) -> tuple[Any, Any]:
    """The network that would be saved, and how its training went."""
    from mltk.problems import hardware, twin

    found = hardware.prepare(model.training, model.seed)
    problem, train = load_problem(model.problem), rows(model.problem, 90, 1)
    network = twin.saved(problem, model, train)
    validation = rows(model.problem, 40, 2)
    done = twin.teach(
        network, problem, model, train, validation, found, log=lambda line: None, **going_on
    )
    return network, done


KINDS = ("regression", "classification", "density", "reduction", "generative")


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_in_16_bits_gives_a_model_of_32_that_learnt_as_much(kind: str) -> None:
    exact, plain = learnt(spec(kind))
    network, done = learnt(spec(kind, precision="mixed_bfloat16"))
    assert {layer.compute_dtype for layer in network.model.layers} == {"float32"}
    pairs = zip(exact.scores.get_weights(), network.scores.get_weights(), strict=True)
    assert not all(np.array_equal(*pair) for pair in pairs)
    losses = done.curves["validation_loss"]
    assert losses == pytest.approx(plain.curves["validation_loss"], rel=0.1, abs=0.1)
    assert done.pace.examples_per_second > 0


def test_float16_scales_its_loss_and_learns() -> None:
    network, done = learnt(spec("regression", precision="mixed_float16", epochs=20))
    assert done.curves["loss"][-1] < done.curves["loss"][0]
    assert all(np.isfinite(weight).all() for weight in network.scores.get_weights())


def test_a_training_in_16_bits_goes_on_as_if_it_had_not_stopped() -> None:
    half = spec("regression", precision="mixed_float16")
    whole, straight = learnt(half)
    _, begun = learnt(half, until=2)
    network, done = learnt(half, begun=begun.checkpoint)
    assert done.curves == straight.curves
    for one, other in zip(whole.scores.get_weights(), network.scores.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


_SHARED = """
import numpy as np
from mltk.problems.backend import tf
from tests.unit.problems.test_hardware import learnt, spec
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
exact, half = ("float32", 2e-5), ("mixed_float16", 2e-2)
for kind, (precision, most) in (("regression", exact), ("density", exact), ("regression", half)):
    (one, alone), (two, shared) = (
        learnt(spec(kind, devices=count, precision=precision)) for count in (1, 2)
    )
    for mine, theirs in zip(one.scores.get_weights(), two.scores.get_weights()):
        np.testing.assert_allclose(mine, theirs, rtol=most, atol=most)
    np.testing.assert_allclose(alone.curves["loss"], shared.curves["loss"], rtol=most)
print("the same")
"""


def test_two_devices_that_share_each_batch_learn_what_one_learns() -> None:
    """Two devices of one processor, so that it is TensorFlow's own strategy that is at work."""
    done = subprocess.run([sys.executable, "-c", _SHARED], capture_output=True, text=True)
    assert done.stdout.startswith("the same"), done.stderr[-3000:]
