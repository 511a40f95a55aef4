"""The tests of the JavaScript files, run by Node's own test runner."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mltk.tfjs.node import find_node, packages

TESTS = Path(__file__).parents[2] / "js"


@pytest.mark.parametrize("name", ["tensors", "bundle"])
def test_the_runtime_files(name: str) -> None:
    node = find_node()
    done = subprocess.run(
        [node.path, "--test", TESTS / f"{name}.test.mjs"],
        env={**os.environ, "MLTK_TFJS_MODULES": str(packages(node))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_every_test_file_is_run() -> None:
    assert {path.name for path in TESTS.glob("*.test.mjs")} == {
        "tensors.test.mjs",
        "bundle.test.mjs",
    }
