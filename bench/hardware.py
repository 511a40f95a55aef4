"""Examples a second and how busy the processor is, by threads, precision and devices.

    python -m bench.hardware THREADS PRECISION

trains a network that is large for a table in a process of its own, and prints what it measured as
JSON.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

_COLUMNS, _ROWS, _HIDDEN, _BATCH, _EPOCHS = 64, 20_000, 512, 512, 4


@dataclasses.dataclass(frozen=True)
class Found:
    """What one training came to; `hardware` says what it ran on."""

    hardware: str
    examples_per_second: float
    utilisation: float

    @property
    def is_processor(self) -> bool:
        """Whether it ran on no accelerator."""
        return self.hardware.endswith(("thread", "threads"))


def measure(threads: str, precision: str = "float32") -> Found:
    """Train in a process of its own: TensorFlow's threads are fixed once it has computed."""
    command = [sys.executable, "-m", "bench.hardware", threads, precision]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Found(**json.loads(done.stdout.splitlines()[-1]))


def _train(threads: str, precision: str) -> Found:
    from mltk.data.table import Rows
    from mltk.problems import hardware, load_problem, twin
    from mltk.project.spec import Model

    count: Any = threads if threads == hardware.ALL else int(threads)
    model = Model.model_validate(
        {
            "problem": "regression",
            "data": {"path": "t.csv"},
            "target": {"name": "y"},
            "features": [{"name": f"x{number}"} for number in range(_COLUMNS)],
            "network": {"hidden": [_HIDDEN, _HIDDEN]},
            "training": {
                "epochs": _EPOCHS, "batch_size": _BATCH, "precision": precision,
                "threads": count, "devices": "all",
            },
        }
    )  # fmt: skip
    features = np.random.default_rng(1).normal(size=(_ROWS, _COLUMNS)).astype(np.float32)
    train = Rows(features, np.sin(features.sum(axis=1)), ())
    found, problem = hardware.prepare(model.training, 1), load_problem(model.problem)
    network = twin.saved(problem, model, train)
    done = twin.teach(network, problem, model, train, train, found, log=lambda _: None)
    if done.pace is None:
        raise RuntimeError("fewer than two epochs were trained")
    return Found(found.name, **dataclasses.asdict(done.pace))


def main(arguments: Sequence[str]) -> None:
    """Print what one training came to."""
    sys.stdout.write(json.dumps(dataclasses.asdict(_train(*arguments))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
