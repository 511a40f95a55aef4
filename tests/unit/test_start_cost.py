"""What a step imports before it knows that it needs it: every step is a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mltk.steps import STEPS

HEAVY = {
    "alembic", "dvc", "jax", "jinja2", "keras", "kubernetes", "matplotlib", "mlflow", "pandas",
    "requests", "scipy", "sklearn", "sqlalchemy", "tensorflow", "tensorflowjs",
}  # fmt: skip
LIGHT = {"numpy", "pydantic", "yaml"}
"""Less than a fifth of a second each; a step that looks at no table does without them too."""

TAKES = {
    "fetch": {"pydantic", "yaml"},
    "validate": {"numpy", "pydantic"},
    "train": {"numpy", "pydantic"},
    "evaluate": {"numpy", "pydantic"},
    "export": {"numpy", "pydantic"},
    "verify": {"numpy"},
    "gate": {"numpy", "pydantic"},
    "register": set(),
    "deploy": set(),
    "report": {"pydantic"},
    "ingest": {"pydantic", "yaml"},
    "recall": set(),
    "compare": {"numpy"},
    "start": {"numpy", "pydantic"},
    "plan": {"pydantic", "yaml"},
    "tried": {"pydantic", "yaml"},
    "trial": {"numpy", "pydantic", "yaml"},
    "choose": {"pydantic", "yaml"},
}


def _imported(statement: str) -> set[str]:
    return {name.partition(".")[0] for name in _modules(statement)}


def _modules(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_every_step_is_looked_at() -> None:
    assert set(TAKES) == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_imports_nothing_heavy_before_its_work(step: str) -> None:
    found = _imported(f"import {STEPS[step].partition(':')[0]}")
    assert found & HEAVY == set()
    assert found & LIGHT <= TAKES[step]


def test_a_step_that_asks_a_server_goes_without_a_database() -> None:
    found = _imported("import mltk.registry.client")
    assert "mlflow" in found
    assert found & {"alembic", "keras", "sqlalchemy", "tensorflow"} == set()


def test_training_takes_what_keras_can_do_without_only_when_it_is_there_already() -> None:
    unused = {"jax", "matplotlib", "pandas", "sklearn"}
    assert _imported("import mltk.problems.backend") & unused == set()
    found = _imported("import mltk.problems.plots, mltk.problems.backend")
    assert found & unused == {"matplotlib"}


def test_the_embedded_engine_loads_no_client_of_http() -> None:
    code = "import sys, mltk.local.engine, mltk.local.backend; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"http.client", "ssl", "email"} & set(done.stdout.split()) == set()


def test_a_command_that_only_reads_does_not_wait_for_what_tekton_means() -> None:
    statement = "from mltk.cli import columns, embedded; import mltk.local.backend"
    rules = {f"mltk.tekton.{name}" for name in ("attempts", "config", "reconcile", "schema")}
    assert _modules(statement) & rules == set()
