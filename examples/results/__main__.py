"""The tables of docs/results.md: every model of this repository, by repeated cross-validation.

    python -m examples.results [NAME ...]

prints those of the models NAME; without a name all are written into the page. Nothing is chosen by
the rows that judge: the settings stand in mltk.yaml, and the number of epochs is found on rows that
are taken from those that learn.
"""

from __future__ import annotations

import dataclasses
import runpy
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from pathlib import Path

import numpy as np

from examples.results.folds import Fold, folds
from examples.results.rivals import rivals
from mltk.data.arrays import Array, Outputs
from mltk.data.rows import Table
from mltk.data.table import read_table
from mltk.problems import load_problem
from mltk.problems.base import Problem
from mltk.project.load import load
from mltk.project.spec import Model
from mltk.steps.evaluate import answers

ROOT = Path(__file__).parents[2]
MODEL, NOISE = "**mltk**", "the truth (noise alone)"
REPEATS = 3
PAGE = ROOT / "docs" / "results.md"
BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"

Scores = Mapping[str, Mapping[str, list[float]]]
"""Values by who said it and by metric, one a fold."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """One model of a project file, and its table."""

    name: str
    spec: Model
    table: Table
    truth: Array | None


def main(names: list[str]) -> None:
    """Print the sections of the models `names`; write the page when none is named."""
    with tempfile.TemporaryDirectory() as folder:
        sections = [
            "\n".join(_section(subject, _scores(subject)))
            for subject in map(_subject, _models(names), repeat(_tables(Path(folder))))
        ]
    if names:
        print("\n".join(sections))
        return
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(sections) + END + after, encoding="utf-8")


def _models(names: list[str]) -> list[tuple[str, Model]]:
    files = (ROOT / "mltk.yaml", *sorted((ROOT / "examples").glob("*/mltk.yaml")))
    models = {name: spec for file in files for name, spec in load(file).models.items()}
    return [(name, spec) for name, spec in models.items() if not names or name in names]


def _tables(folder: Path) -> Path:
    for script in ("make_data", "make_domains"):
        _main_of(ROOT / "examples" / f"{script}.py")(folder)
    return folder


def _subject(model: tuple[str, Model], tables: Path) -> Subject:
    name, spec = model
    path = tables / Path(spec.data.path).name
    table, _ = read_table(path, spec, load_problem(spec.problem).target_kind)
    return Subject(name, spec, table, _truth(path))


def _main_of(script: Path) -> Callable[[Path], None]:
    main: Callable[[Path], None] = runpy.run_path(str(script))["main"]
    return main


def _truth(path: Path) -> Array | None:
    """The column `truth` of a generated table."""
    with path.open(encoding="utf-8") as file:
        if file.readline().rstrip("\n").split(",")[-1] != "truth":
            return None
        return np.array([float(line.rsplit(",", 1)[1]) for line in file])


def _scores(subject: Subject) -> Scores:
    problem, table = load_problem(subject.spec.problem), subject.table
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number, fold in enumerate(folds(table, REPEATS), start=1):
        print(f"{subject.name}: fold {number} of {REPEATS * 5}", file=sys.stderr)
        features, y_true = table.features[fold.held_out], table.target[fold.held_out]
        said = {
            MODEL: _trained(problem, subject.spec, fold, features),
            **problem.baselines(subject.spec, fold.known, features),
            **rivals(subject.spec, fold.known, features, fold.seed),
        }
        if subject.truth is not None:
            said[NOISE] = {"prediction": subject.truth[fold.held_out][:, None]}
        for who, outputs in said.items():
            for metric, value in problem.values(subject.spec, y_true, outputs).items():
                scores[who][metric].append(value)
    return scores


def _trained(problem: Problem, spec: Model, fold: Fold, features: Array) -> Outputs:
    """What a network says that is trained as the step `train` does."""
    from mltk.problems import backend
    from mltk.problems.training import fit

    backend.prepare(fold.seed)
    spec = spec.model_copy(update={"seed": fold.seed})
    network = problem.network(spec, fold.train)
    fit(network, fold.train, fold.validation, spec.training, seed=fold.seed, log=lambda _: None)
    widths = {each.name: each.shape[-1] for each in network.model.inputs}
    return answers(network.model, problem.inputs(widths, features, seed=fold.seed))


def _section(subject: Subject, scores: Scores) -> Iterator[str]:
    metrics = list(scores[MODEL])
    rows = len(subject.table.features)
    yield f"## {subject.name}\n"
    yield f"{subject.spec.description} {rows:,} rows, {len(subject.spec.features)} features.\n"
    yield f"| | {' | '.join(metrics)} |"
    yield f"|---|{'---|' * len(metrics)}"
    for who, values in scores.items():
        yield f"| {who} | {' | '.join(_cell(values[metric]) for metric in metrics)} |"
    yield ""


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}"


if __name__ == "__main__":
    main(sys.argv[1:])
