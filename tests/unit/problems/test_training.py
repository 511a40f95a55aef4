"""Networks and their training, small enough for a unit test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.data.table import Rows
from mltk.errors import StepError
from mltk.problems import load_problem
from mltk.project.spec import Model

pytestmark = [
    pytest.mark.slow,
    # Keras 3 saves TensorFlow 2.19 variables in a way that numpy 2 means to change.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

FEATURES = [
    {"name": "x", "type": "numeric"},
    {"name": "colour", "type": "categorical", "values": ["red", "green", "blue"]},
    {"name": "w", "type": "numeric"},
]


def model(problem: str = "regression", **changes: Any) -> Model:
    content = {
        "problem": problem,
        "data": {"path": "t.csv"},
        "target": {"name": "y"},
        "features": FEATURES,
        "network": {"hidden": [8]},
        "training": {"epochs": 5, "learning_rate": 0.02},
    }
    return Model.model_validate({**content, **changes})


def rows(count: int, seed: int) -> Rows:
    """The colour shifts the target by what no line through its index can follow."""
    random = np.random.default_rng(seed)
    colour = random.integers(0, 3, count)
    x = random.normal(1e6, 2.0, count)
    features = np.column_stack([x, colour, random.normal(size=count)]).astype(np.float32)
    target = 500 + 3 * (features[:, 0] - 1e6) + np.array([0, 40, 0])[colour]
    return Rows(features, target, ())


def trained(spec: Model, train: Rows, lines: list[str] | None = None) -> tuple[Any, Any]:
    from mltk.problems import backend
    from mltk.problems.training import fit

    backend.prepare(spec.seed)
    network = load_problem(spec.problem).network(spec, train)
    log = (lines if lines is not None else []).append
    return network, fit(network, train, rows(40, 2), spec.training, seed=spec.seed, log=log)


def test_categories_far_offsets_and_units_are_handled_inside_the_graph() -> None:
    spec = model(training={"epochs": 80, "learning_rate": 0.03})
    network, _ = trained(spec, rows(200, 1))
    unseen = rows(100, 3)
    predicted = network.model(unseen.features)["prediction"].numpy()
    assert predicted.shape == (100, 1)
    assert np.sqrt(np.mean((predicted[:, 0] - unseen.target) ** 2)) < 4  # of a spread of 20


def test_a_category_outside_the_vocabulary_is_all_zeros_and_no_error(tmp_path: Path) -> None:
    from mltk.problems import backend

    spec = model(network={"hidden": []})
    network, _ = trained(spec, rows(50, 1))
    network.model.save(tmp_path / "m.keras")
    loaded = backend.load_model(tmp_path / "m.keras")
    asked = np.array([[1e6, colour, 0] for colour in (0, 1, 2, 7)], dtype=np.float32)
    predicted = loaded(asked)["prediction"].numpy()[:, 0]
    assert predicted == pytest.approx(network.model(asked)["prediction"].numpy()[:, 0])
    kernel, bias = loaded.get_layer("scores").get_weights()
    scale, offset = (loaded.get_layer("prediction").get_config()[k] for k in ("scale", "offset"))
    standardised = loaded.get_layer("standardised")(asked[:, [0, 2]])[3].numpy()
    unknown = (standardised @ kernel[:2] + bias)[0] * scale + offset
    assert predicted[3] == pytest.approx(unknown, rel=1e-5)
    assert predicted[0] - predicted[3] == pytest.approx(kernel[2, 0] * scale, rel=1e-3)


def test_the_weights_are_those_of_the_best_epoch_and_patience_ends_the_training() -> None:
    spec = model(training={"epochs": 400, "learning_rate": 0.3, "patience": 5})
    lines: list[str] = []
    network, done = trained(spec, rows(60, 1), lines)
    curve = done.curves["validation_loss"]
    assert len(curve) == done.best_epoch + 5 < 400
    assert min(curve) == curve[done.best_epoch - 1]
    unseen = rows(40, 2)
    losses = network.loss(network.scores(unseen.features), network.encode(unseen.target))
    assert float(np.mean(losses)) == pytest.approx(min(curve), rel=1e-5)
    assert lines[0].startswith("epoch    1/400")
    assert lines[-1].startswith(f"best epoch {done.best_epoch} ")


def test_without_patience_all_epochs_are_taken() -> None:
    spec = model(training={"epochs": 12, "learning_rate": 0.5, "patience": 0})
    assert len(trained(spec, rows(40, 1))[1].curves["loss"]) == 12


def test_a_loss_that_is_no_number_names_the_epoch() -> None:
    with pytest.raises(StepError, match="in epoch 1 the loss is not a finite number"):
        trained(model(training={"epochs": 3, "learning_rate": 1e30}), rows(40, 1))


def test_a_training_can_be_repeated_in_one_process() -> None:
    spec = model(network={"hidden": [8], "dropout": 0.3, "l2": 0.01})
    first, second = (trained(spec, rows(50, 1)) for _ in range(2))
    assert first[1].curves == second[1].curves
    for one, other in zip(first[0].model.get_weights(), second[0].model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_training_that_was_interrupted_comes_to_the_same(tmp_path: Path) -> None:
    from mltk.problems import backend
    from mltk.problems.checkpoint import Checkpoint
    from mltk.problems.training import fit

    spec = model(network={"hidden": [8], "dropout": 0.3, "l2": 0.01})
    known, unseen, file = rows(50, 1), rows(40, 2), tmp_path / "checkpoint.npz"
    whole, expected = trained(spec, known)
    for until in (2, 3, 5):
        backend.prepare(spec.seed)
        network = load_problem(spec.problem).network(spec, known)
        begun = Checkpoint.read(file)
        done = fit(
            network, known, unseen, spec.training,
            seed=spec.seed, log=lambda _: None, until=until, begun=begun,
        )  # fmt: skip
        assert len(done.curves["loss"]) == until
        assert done.stopped == (until == spec.training.epochs)
        assert done.checkpoint is not None
        done.checkpoint.write(file)
    assert (done.curves, done.best_epoch) == (expected.curves, expected.best_epoch)
    for one, other in zip(whole.model.get_weights(), network.model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_checkpoint_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    from mltk.problems.checkpoint import Checkpoint

    assert Checkpoint.read(tmp_path / "none") is None
    for content in (b"", b"PK\x03\x04 cut off", b"other"):
        (tmp_path / "torn").write_bytes(content)
        assert Checkpoint.read(tmp_path / "torn") is None


def test_a_training_that_starts_from_another_begins_where_that_ended(tmp_path: Path) -> None:
    from mltk.problems import backend
    from mltk.problems.starting import take_weights
    from mltk.problems.training import fit

    spec = model(training={"epochs": 60, "learning_rate": 0.02})
    before, cold = trained(spec, rows(120, 1))
    before.model.save(tmp_path / "m.keras")
    champion = backend.load_model(tmp_path / "m.keras")
    more, unseen = rows(150, 4), rows(40, 2)
    network = load_problem(spec.problem).network(spec, more)
    assert take_weights(network, champion) == ""
    done = fit(network, more, unseen, spec.training, seed=1, log=lambda _: None, until=1)
    assert done.curves["loss"][0] < 0.2 * cold.curves["loss"][0]

    for other in ({"hidden": [9]}, {"hidden": [8, 8]}, {"hidden": [8], "activation": "tanh"}):
        network = load_problem(spec.problem).network(model(network=other), more)
        weights = [each.tobytes() for each in network.model.get_weights()]
        assert take_weights(network, champion) == "it has other layers"
        assert [each.tobytes() for each in network.model.get_weights()] == weights
