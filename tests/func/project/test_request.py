from __future__ import annotations

import pytest

from mltk.errors import ConfigError, UsageError
from mltk.project.git import Repository
from mltk.project.load import load
from mltk.project.request import revision_of, run_request, select


def test_which_models_are_asked_for(repository: Repository) -> None:
    project = load(repository.root / "mltk.yaml")
    assert select(project, []) == ("points",)
    assert select(project, ["points", "points"]) == ("points",)
    with pytest.raises(UsageError, match=r"no model 'point' .*did you mean 'points'"):
        select(project, ["point"])


def test_the_same_project_asks_for_the_same_run(repository: Repository) -> None:
    project = load(repository.root / "mltk.yaml")
    first = run_request(project, "points", repository, revision_of(repository))
    assert run_request(project, "points", repository, revision_of(repository)) == first
    assert first.revision == repository.head()
    (repository.root / "README.md").write_text("other words\n")
    second = run_request(project, "points", repository, revision_of(repository))
    assert (second.key, second.policy) == (first.key, first.policy), "the README is not learnt"
    assert second.revision != first.revision


def test_where_a_model_is_deployed(repository: Repository) -> None:
    file = repository.root / "mltk.yaml"
    file.write_text(file.read_text() + "    deploy: {folder: public}\n")
    request = run_request(load(file), "points", repository, revision_of(repository))
    assert request.deploy_folder == str(repository.root / "public")


def test_data_that_dvc_does_not_know_stops_a_run(repository: Repository) -> None:
    (repository.root / "data" / "points.csv").write_text("x1,x2,y\n1,1,1\n")
    project = load(repository.root / "mltk.yaml")
    assert not repository.is_dirty(), "git ignores what DVC tracks"
    with pytest.raises(ConfigError, match="still records the version before"):
        run_request(project, "points", repository, revision_of(repository))
