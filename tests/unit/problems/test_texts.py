"""Texts in the network and in the linear baseline: what counts of them, and what does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from mltk.data.rows import Rows
from mltk.data.tokens import numbered
from mltk.problems import load_problem
from mltk.problems.linear import Design
from mltk.project.features import Text
from mltk.project.spec import Model, Training


def model(**said: Any) -> Model:
    text = {"name": "t", "type": "text", "length": 6, "buckets": 300, "dimensions": 4, **said}
    section = {"problem": "regression", "data": {"path": "t.csv"}, "target": {"name": "y"}}
    return Model.model_validate({**section, "features": [text], "network": {"hidden": [8]}})


def encoded(spec: Model, *texts: str) -> np.ndarray:
    (feature,) = spec.features
    assert isinstance(feature, Text)
    return numbered(feature, texts, range(len(texts)))[0].astype(np.float32)


def test_a_text_is_the_mean_of_its_words_and_none_are_zero() -> None:
    from mltk.problems import network
    from mltk.problems.backend import keras

    spec = model(missing="empty")
    known = encoded(spec, "good", "bad day")
    columns = keras.Model(*network.columns(spec, known))
    texts = ("good", "bad", "good bad", "bad! GOOD?", "good good", "", "...")
    said = columns(encoded(spec, *texts)).numpy()
    good, bad = said[:2]
    assert said.shape == (7, 4)
    for row in said[2:4]:
        np.testing.assert_allclose(row, (good + bad) / 2, atol=1e-7)
    np.testing.assert_allclose(said[4], good, atol=1e-7)
    assert not said[5:].any()


def test_a_linear_model_knows_the_words_that_most_rows_have() -> None:
    spec = model()
    known = encoded(spec, "good day", "bad day", "good good good night")
    design = Design.of(known, spec.features).matrix(encoded(spec, "good", "day night", "unheard"))
    # Of "good" and "day" two rows each have one, and the order of equals is that of their numbers.
    assert design.shape == (3, 4)
    assert design.sum(axis=1).tolist() == [1, 2, 0]
    assert sorted(design[:, :2].sum(axis=0)) == [1, 1]


def test_the_same_texts_teach_the_same_bytes() -> None:
    from mltk.problems import backend
    from mltk.problems.training import fit

    spec, draw = model(), np.random.default_rng(1)
    words = np.array(["good", "bad", "day", "night", "rain", "sun"])
    texts = [" ".join(draw.choice(words, 4)) for _ in range(120)]
    target = np.array([text.count("good") - text.count("bad") for text in texts], dtype=float)
    rows = Rows(encoded(spec, *texts), target, ())

    def learnt() -> tuple[bytes, float]:
        backend.prepare(3)
        network = load_problem("regression").network(spec, rows)
        settings = Training(epochs=40, learning_rate=0.02)
        done = fit(network, rows, rows, settings, seed=1, log=lambda _: None)
        weights = network.scores.get_weights()
        return b"".join(each.tobytes() for each in weights), min(done.curves["validation_loss"])

    first, again = learnt(), learnt()
    assert first == again
    assert first[1] < 0.05
