"""`init` makes projects that load, whose data is kept and whose table passes the checks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mltk.cli.init import command
from mltk.data.table import read_table
from mltk.errors import DataError, MltkError, UsageError
from mltk.project.git import Repository
from mltk.project.load import load
from mltk.project.scaffold import init


@pytest.fixture
def identity(tmp_path: Path) -> None:
    """A user whom git knows."""
    config = "[user]\n    name = Ada\n    email = ada@example.org\n"
    (tmp_path / "home" / ".gitconfig").write_text(config)


def test_a_project_that_is_whole(tmp_path: Path, csv: Path) -> None:
    made = init(tmp_path / "My Project 1", csv, "y", problem="regression")
    project = load(made.folder / "mltk.yaml")
    assert project.project == "my-project-1"
    assert list(project.models) == [made.model] == ["points"]
    table, _ = read_table(made.folder / "data" / "points.csv", project.models["points"], "numeric")
    assert len(table.target) == 40
    repository = Repository.at(made.folder)
    assert (repository.head(), repository.is_dirty()) == (made.revision, False)
    assert set(repository.files("HEAD")) == {
        *(".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore"),
        *("README.md", "data.dvc", "mltk.yaml"),
    }
    assert list((made.folder / "dvc-remote").rglob("*.dir")), "the data is in the remote"


def test_the_same_table_gives_the_same_bytes(tmp_path: Path, csv: Path) -> None:
    first = init(tmp_path / "a" / "p", csv, "y")
    second = init(tmp_path / "b" / "p", csv, "y")
    for name in ("mltk.yaml", "README.md", "data.dvc", ".dvc/config", ".gitignore"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_awkward_names_and_separators(tmp_path: Path) -> None:
    csv = tmp_path / "2024 Données: (final).csv"
    header = ["yes", "a: b", '"quo""ted"', "#x", "😀", "dropped\u2028here", "target"]
    rows = [
        (row % 5, "north" if row % 2 else "no", row % 3, row * 7 % 13, row % 4, "same", row * 0.5)
        for row in range(40)
    ]
    lines = [";".join(str(cell) for cell in row) for row in [header, *rows]]
    csv.write_text("\n".join(lines), encoding="utf-8-sig")
    made = init(tmp_path / "p", csv, "target")
    model = load(made.folder / "mltk.yaml").models["m-2024-donn-es-final"]
    assert [feature.name for feature in model.features] == ["yes", "a: b", 'quo"ted', "#x", "😀"]
    assert model.features[1].model_dump()["values"] == ("no", "north")
    assert model.data.delimiter == ";"
    assert "constant, always 'same'" in (made.folder / "mltk.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("x,y\n", "no rows"),
        ("x,x,y\n1,2,3\n", "'x' is there twice"),
        ("x,z\n1,2\n", "no column 'y'"),
        ("x,y\n1,2\n2,nan\n", "the target is missing"),
        ("x;y\n1;2\n2\n3;4\n", "the row has 1 values"),
        ("x,y\n" + "".join(f"{n * n},{n}.5\n" for n in range(9)), "9 rows are too few"),
        (
            ",".join([*(f"x{k}" for k in range(14)), "y"])
            + "\n"
            + "".join(
                ",".join(str((n * n * k + n) % 97) for k in range(1, 16)) + "\n" for n in range(12)
            ),
            "more features than rows",
        ),
    ],
    ids=["empty", "header", "twice", "no target", "nan", "ragged", "short", "wide"],
)
def test_a_table_that_cannot_be_learnt_from(tmp_path: Path, text: str, words: str) -> None:
    csv = tmp_path / "bad.csv"
    csv.write_text(text)
    with pytest.raises(DataError, match=words):
        init(tmp_path / "p", csv, "y", problem="regression")
    assert not (tmp_path / "p").exists()


def test_a_folder_in_use(tmp_path: Path, csv: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        init(tmp_path / "p", csv, "y")
    assert (tmp_path / "p" / "mine.txt").read_text() == "mine"


def told(*arguments: object) -> Result:
    done = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done


def test_what_was_inferred_is_told(tmp_path: Path, identity: None) -> None:
    csv = tmp_path / "boxes.csv"
    rows = "".join(f"{row % 7},{row * row % 11},{row * 0.5}\n" for row in range(40))
    csv.write_text('"height, cm",width,y\n' + rows)
    said = told(tmp_path / "p", "--data", csv, "--target", "y")
    assert "y: regression, the target has 40 different numbers." in said.stdout
    assert "features  'height, cm', width\n" in said.stdout
    assert said.stderr == ""


def test_gaps_are_filled_in_and_told(tmp_path: Path, identity: None) -> None:
    csv = tmp_path / "boxes.csv"
    rows = "".join(
        f"{row % 7 if row % 9 else ''},{('red', 'blue', 'NA')[row % 3]},"
        f"{f'2026-01-{1 + row % 28:02}' if row else '?'},{row * 0.5}\n"
        for row in range(40)
    )
    csv.write_text("height,colour,when,y\n" + rows)
    said = told(tmp_path / "p", "--data", csv, "--target", "y")
    assert (
        "  missing   colour: category, 13 of 40 values are missing, first in line 4" in said.stdout
    )
    (model,) = load(tmp_path / "p" / "mltk.yaml").models.values()
    assert [feature.missing for feature in model.features] == ["median", "category", "mean"]
    assert model.features[2].model_dump()["parts"] == ("weekday",)


def test_a_commit_in_nobodys_name_is_told(
    tmp_path: Path, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What git would guess of the machine and its user is not to be had.
    (tmp_path / "home" / ".gitconfig").write_text("[user]\n    useConfigOnly = true\n")
    for variable in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(variable, raising=False)
    said = told(tmp_path / "p", "--data", csv, "--target", "y")
    assert len(said.stderr.splitlines()) == 1
    assert "the first commit is by mltk <mltk@localhost>" in said.stderr
    author = Repository.at(tmp_path / "p").git("log", "-1", "--format=%an <%ae>")
    assert author == "mltk <mltk@localhost>\n"


@pytest.mark.parametrize("ignored", [False, True])
def test_a_repository_around_is_told(
    tmp_path: Path, csv: Path, identity: None, git: Callable[..., str], ignored: bool
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    (outer / ".gitignore").write_text("/work/\n" if ignored else "")
    said = told(outer / "work" / "p", "--data", csv, "--target", "y")
    assert len(said.stderr.splitlines()) == (0 if ignored else 1)
    assert (f"inside the git repository {outer};" in said.stderr) != ignored


@pytest.mark.parametrize("existed", [True, False])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, csv: Path, existed: bool) -> None:
    folder = tmp_path / "p"
    if existed:
        folder.mkdir()
    with pytest.raises(MltkError, match="not found"):
        init(folder, csv, "y", git="no-such-git")
    assert folder.exists() == existed
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("problem", ["density", "reduction", "generative"])
def test_a_kind_that_learns_the_rows_needs_no_target(tmp_path: Path, problem: str) -> None:
    table = tmp_path / "points.csv"
    rows = "".join(
        f"{i % 7},{i * i % 11 + i / 100},{i * 3 % 13},{'ab'[i % 2]}\n" for i in range(40)
    )
    table.write_text("x,y,z,kind\n" + rows)
    made = init(tmp_path / "p", table, None, problem=problem)
    assert (made.inference.target, made.inference.classes) == (None, ())
    assert [column.name for column in made.inference.features] == ["x", "y", "z"]
    (left,) = made.inference.left_out
    assert left.reason == "text, and this kind of problem learns from numbers"
    (model,) = load(made.folder / "mltk.yaml").models.values()
    assert (model.problem, model.target) == (problem, None)
    assert "Learns the rows from `data/points.csv`" in (made.folder / "README.md").read_text()


def test_a_target_is_for_those_that_learn_one(tmp_path: Path, csv: Path) -> None:
    with pytest.raises(UsageError, match="no target is named") as caught:
        init(tmp_path / "p", csv, None)
    assert "density, reduction, generative" in str(caught.value.hint)
    with pytest.raises(UsageError, match="density learns the rows themselves"):
        init(tmp_path / "p", csv, "y", problem="density")
    assert not (tmp_path / "p").exists()


def test_a_kind_of_problem_that_nobody_knows(tmp_path: Path, csv: Path) -> None:
    with pytest.raises(MltkError, match="did you mean 'regression'"):
        init(tmp_path / "p", csv, "y", problem="regresion")
    assert not (tmp_path / "p").exists()
