"""What the proof notices, and what it says."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.errors import ConfigError, InfrastructureError, StepError
from mltk.tfjs import Rows, manifest, predict_bundle, read_bundle, verify_bundle
from mltk.tfjs.bundle import describe_files
from mltk.tfjs.javascript import execute

ROWS = np.random.default_rng(5).normal(size=(600, 10)).astype("float32")


def _change_weights(folder: Path) -> None:
    """Halve the weights and describe the files anew: damage that no digest shows."""
    (shard,) = folder.glob("*.bin")
    shard.write_bytes((np.frombuffer(shard.read_bytes(), "<f4") / 2).tobytes())
    told = read_bundle_unchecked(folder)
    changed = dataclasses.replace(told, files=describe_files(folder))
    (folder / "bundle.json").write_bytes(changed.encode())


def read_bundle_unchecked(folder: Path) -> manifest.Manifest:
    return manifest.decode((folder / "bundle.json").read_bytes())


def test_a_bundle_says_what_it_was_told(bundle: Path) -> None:
    told = read_bundle(bundle).manifest
    assert (told.name, told.problem, told.lineage.key) == ("small", "classification", "k")
    assert [feature.name for feature in told.inputs[0].features] == [f"f{i}" for i in range(10)]
    assert told.outputs[0].classes == ("no", "yes")
    assert told.golden.inputs["x"].shape == (8, 10)
    assert told.total_bytes == sum(file.bytes for file in told.files)


def test_many_rows_go_in_batches(bundle: Path) -> None:
    whole = predict_bundle(bundle, ROWS)["y"]
    assert whole.shape == (600, 2)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(predict_bundle(bundle, ROWS[500:])["y"], whole[500:])


def test_weights_that_changed_unseen_fail_the_golden_rows(bundle: Path) -> None:
    _change_weights(bundle)
    with pytest.raises(StepError, match=r"golden rows are off by 0\.\d+ .* on the cpu backend"):
        verify_bundle(bundle)
    measured = verify_bundle(bundle, tolerance=None)
    assert all(check.max_relative_error > 0.01 for check in measured.backends)


def test_the_rows_given_are_measured_and_not_judged(bundle: Path) -> None:
    outputs = predict_bundle(bundle, ROWS[:5])
    worse = {"y": outputs["y"] + np.float32(0.25)}
    check = verify_bundle(bundle, ["cpu"], Rows({"x": ROWS[:5]}, worse)).backends[0]
    assert check.rows == 5
    assert check.max_absolute_error == pytest.approx(0.25, rel=1e-5)
    assert check.max_relative_error == pytest.approx(0.25 / worse["y"].max(), rel=1e-5)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (Rows({"x": ROWS[:3, :4]}, {}), r"have shape \(3, 4\), the model takes \(None, 10\)"),
        (Rows({"z": ROWS}, {}), "the model takes x; rows are given for z"),
        (Rows({"x": ROWS[:3]}, {"z": ROWS}), "output 'z', which the model does not have"),
    ],
)
def test_rows_that_do_not_fit(bundle: Path, rows: Rows, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        verify_bundle(bundle, ["cpu"], rows)


def test_a_number_that_is_not_finite_is_never_a_small_error(bundle: Path) -> None:
    (shard,) = bundle.glob("*.bin")
    shard.write_bytes((np.frombuffer(shard.read_bytes(), "<f4") * np.float32(np.nan)).tobytes())
    told = dataclasses.replace(read_bundle_unchecked(bundle), files=describe_files(bundle))
    (bundle / "bundle.json").write_bytes(told.encode())
    with pytest.raises(StepError, match="a golden row is not a finite number on the cpu backend"):
        verify_bundle(bundle, tolerance=None)


def test_the_javascript_side_checks_the_files_itself(bundle: Path) -> None:
    read = read_bundle(bundle)
    (bundle / "model.json").write_text("{}")
    with pytest.raises(StepError, match=r"not what was exported: model\.json is changed"):
        execute(read, ["cpu"])


def test_an_unknown_backend_is_named(bundle: Path) -> None:
    with pytest.raises(StepError, match="not run on the abacus backend: there is no such backend"):
        verify_bundle(bundle, ["abacus"])


def test_an_interpreter_that_breaks_down(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "node"
    broken.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo v22.0.0 && exit\necho oh >&2\nexit 7\n'
    )
    broken.chmod(0o755)
    monkeypatch.setenv("MLTK_NODE", str(broken))
    with pytest.raises(InfrastructureError, match=r"Node\.js ended with code 7: oh"):
        verify_bundle(bundle)


_EXPORT = """
import sys
if sys.argv[2] == "blocked":
    sys.modules.update(dict.fromkeys(["jax", "sklearn", "pandas"]))
from mltk.problems.backend import keras
import numpy as np
from mltk.tfjs import export_model
absent = object()
before = [sys.modules.get(name, absent) for name in ("jax", "tf_keras", "tensorflow_hub")]
for _ in range(int(sys.argv[3])):
    keras.layers.Dense(1)(keras.Input((2,)))
keras.utils.set_random_seed(1)
L = keras.layers
x, z = keras.Input((5, 3)), keras.Input((4,), name="z")
hidden = L.Concatenate()([L.GRU(4)(L.Conv1D(4, 2, activation="gelu")(x)), L.Dense(3, "tanh")(z)])
model = keras.Model([x, z], {"mean": L.Dense(1)(hidden), "std": L.Dense(1, "softplus")(hidden)})
rows = np.random.default_rng(0).normal(size=(9, 15)).astype("float32").reshape(9, 5, 3)
print(export_model(model, sys.argv[1], [rows, rows[:, :4, 0]]))
assert before == [sys.modules.get(name, absent) for name in ("jax", "tf_keras", "tensorflow_hub")]
assert not any(name.startswith("tensorflowjs") for name in sys.modules)
"""


def test_the_same_model_gives_the_same_digest_in_any_process(tmp_path: Path) -> None:
    digests = []
    for name, world, built_before in (("a", "blocked", "0"), ("b", "open", "7")):
        done = subprocess.run(
            [sys.executable, "-c", _EXPORT, tmp_path / name, world, built_before],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        # Nothing is logged: neither by the converter nor by the native code below it.
        assert done.stderr == ""
        (digest,) = done.stdout.splitlines()
        digests.append(digest)
    assert digests[0] == digests[1]
    verify_bundle(tmp_path / "a")
    ports = json.loads((tmp_path / "a" / "bundle.json").read_text())["inputs"]
    assert [port["name"] for port in ports] == ["input_0", "z"]


@pytest.fixture(autouse=True)
def _quiet(capfd: pytest.CaptureFixture[str]) -> Any:
    """No test of this module may print: not even JavaScript's advice."""
    yield
    assert capfd.readouterr() == ("", "")
