"""What convolutions and recurrent layers see in features, exported and proven in Node.js."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mltk.data.rows import Rows as Known
from mltk.problems import load_problem
from mltk.project.spec import Model
from mltk.steps.inputs import as_sent, described
from mltk.tfjs import BundleDescription, Rows, check_exportable, export_model, verify_bundle

FEATURES = [
    {"name": "x"},
    {"name": "grey", "type": "image", "shape": [5, 4], "filters": [3, 4]},
    {"name": "colour", "type": "image", "shape": [2, 2, 3], "filters": [3]},
    {"name": "before", "type": "sequence", "length": 5, "units": 3},
    {"name": "lags", "type": "sequence", "length": 6, "layer": "gru", "units": 3},
    {"name": "when", "type": "datetime", "parts": ["weekday", "month"]},
]


@pytest.mark.slow
def test_images_and_sequences_go_to_the_proof(tmp_path: Path) -> None:
    spec = Model.model_validate(
        {
            "problem": "regression",
            "data": {"path": "t.csv"},
            "target": {"name": "y"},
            "features": FEATURES,
            "network": {"hidden": [4], "l2": 0.01},
        }
    )
    draw = np.random.default_rng(1)
    numbers = draw.normal(5, 3, size=(40, 1 + 20 + 12 + 5 + 6))
    times = np.column_stack([draw.integers(0, 30_000, 40), draw.uniform(0, 86_400, 40)])
    rows = np.column_stack([numbers, times]).astype(np.float32)
    model = load_problem("regression").network(spec, Known(rows, numbers[:, 0], ())).model
    check_exportable(model)
    golden, records = as_sent(spec.features, rows[:6])
    told = BundleDescription(
        features={"features": tuple(map(described, spec.features))}, records=records
    )
    export_model(model, tmp_path / "bundle", golden, description=told)
    said = {"prediction": model(rows)["prediction"].numpy()}
    found = verify_bundle(tmp_path / "bundle", rows=Rows({"features": rows}, said))
    assert max(check.max_relative_error for check in found.backends) < 1e-5
    assert [len(record["grey"]) for record in records] == [20] * 6
