"""How often drift is seen where there is none, and where there is some, by simulation.

``python -m bench --only drift`` prints the table of docs/data-checks.md. A trial draws two tables
of ten columns and a target that have to do with one another: normal, skewed, heavy-tailed, whole
numbers, categories (of one many are rare), and some values that are missing.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mltk.data.arrays import Array
from mltk.data.quality.drift import drift
from mltk.data.quality.leakage import leaks
from mltk.data.quality.profile import Profile, profile
from mltk.data.quality.schema import infer, violations
from mltk.data.rows import Table
from mltk.data.split import split_table
from mltk.data.table import read_table
from mltk.project.spec import Model

ALPHA, EFFECT = 0.01, 0.1
"""The defaults of mltk.yaml."""

_NUMERIC = ("normal", "skewed", "heavy", "whole", "rounded", "gappy", "both")
_VOCABULARY = {"even": 3, "rare": 12, "pair": 2}


@dataclasses.dataclass(frozen=True)
class Power:
    """Share of trials with an alarm about a column that moved by `shift` standard deviations."""

    rows: int
    shift: float
    share: float


def alarms(
    before: int,
    now: int,
    trials: int,
    *,
    seed: int,
    shift: float = 0.0,
    alpha: float = ALPHA,
    effect: float = EFFECT,
) -> int:
    """Of `trials` pairs of tables, in how many any column drifted.

    The column `normal` of the second table is moved by `shift` standard deviations.
    """
    raised = 0
    for index in range(trials):
        random = np.random.default_rng([seed, index])
        old, new = _profile(before, 0.0, random), _profile(now, shift, random)
        raised += any(one.drifted for one in drift(old, new, alpha=alpha, effect=effect)[0])
    return raised


def power(trials: int) -> Iterator[Power]:
    """How often a shift of one of ten columns is seen."""
    for rows in (100, 300, 1000, 10_000):
        for shift in (0.2, 0.3, 0.5, 1.0):
            found = alarms(rows, rows, trials, seed=5, shift=shift)
            yield Power(rows, shift, found / trials)


def seconds(rows: int, columns: int) -> dict[str, float]:
    """How long a table takes to be read, and everything that is asked of it beside."""
    random = np.random.default_rng(0)
    names = [f"x{index}" for index in range(columns)]
    spec = Model.model_validate(
        {
            "problem": "regression",
            "data": {"path": "t.csv"},
            "target": {"name": "y"},
            "features": [{"name": name} for name in names],
        }
    )
    with tempfile.TemporaryDirectory(prefix="mltk-bench-") as folder:
        path = Path(folder) / "t.csv"
        head = ",".join([*names, "y"])
        drawn = random.normal(size=(rows, columns + 1))
        np.savetxt(path, drawn, "%.6f", ",", header=head, comments="")
        began = time.perf_counter()
        table, _ = read_table(path, spec, "numeric")
    read = time.perf_counter()
    splits = split_table(table, spec.split, 0)
    parted = time.perf_counter()
    found = profile(table, spec)
    violations(infer(found), table, spec)
    leaks(table, splits, spec.split)
    drift(found, found, alpha=ALPHA, effect=EFFECT)
    return {"read": read - began, "split": parted - read, "check": time.perf_counter() - parted}


def _profile(rows: int, shift: float, random: np.random.Generator) -> Profile:
    common = random.normal(size=rows)
    numbers = 0.6 * common + 0.8 * random.normal(size=(len(_NUMERIC), rows))
    columns = dict(zip(_NUMERIC, numbers, strict=True))
    columns["normal"] = columns["normal"] + shift
    columns["skewed"] = np.exp(columns["skewed"])
    columns["heavy"] = random.standard_t(2, size=rows)
    columns["whole"] = np.floor(2 * columns["whole"])
    columns["rounded"] = np.round(columns["rounded"], 1)
    columns["gappy"] = np.where(random.uniform(size=rows) < 0.1, np.nan, columns["gappy"])
    columns |= {name: _indices(count, rows, random) for name, count in _VOCABULARY.items()}
    features = np.column_stack(list(columns.values())).astype(np.float32)
    lines = np.arange(rows)
    return profile(Table(tuple(columns), features, common, (), lines), _SPEC)


def _indices(count: int, rows: int, random: np.random.Generator) -> Array:
    shares = np.ones(count) if count < 10 else 0.6 ** np.arange(count)
    return random.choice(count, size=rows, p=shares / shares.sum())


_SPEC = Model.model_validate(
    {
        "problem": "regression",
        "data": {"path": "t.csv"},
        "target": {"name": "y"},
        "features": [
            *({"name": name} for name in _NUMERIC),
            *(
                {"name": name, "type": "categorical", "values": [str(i) for i in range(count)]}
                for name, count in _VOCABULARY.items()
            ),
        ],
    }
)
