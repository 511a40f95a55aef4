"""Data versions and their errors, on real DVC projects."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mltk.data.dvc import locate, refuse_changed
from mltk.errors import ConfigError, DataError, InfrastructureError
from mltk.project.git import Repository
from mltk.project.request import revision_of

DvcAdd = Callable[[Path, str], None]
DATA = "data/points.csv"


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


def empty_cache(repository: Repository) -> None:
    shutil.rmtree(repository.root / ".dvc" / "cache")


def test_a_file_in_a_tracked_folder(repository: Repository, csv: Path) -> None:
    assert locate(repository, DATA, repository.head()).version == md5(csv.read_bytes())


def test_the_version_comes_from_the_remote_when_the_cache_is_empty(
    repository: Repository, csv: Path
) -> None:
    empty_cache(repository)
    shutil.rmtree(repository.root / "data")
    assert locate(repository, DATA, repository.head()).version == md5(csv.read_bytes())


def test_a_file_of_its_own(repository: Repository, dvc_add: DvcAdd) -> None:
    other = repository.root / "raw" / "other.csv"
    other.parent.mkdir()
    other.write_text("a,b\n1,2\n")
    dvc_add(repository.root, "raw/other.csv")
    tracked = locate(repository, "raw/other.csv", revision_of(repository))
    assert (tracked.version, tracked.dvc_file) == (md5(other.read_bytes()), "raw/other.csv.dvc")


def test_a_file_that_a_dvc_pipeline_makes(repository: Repository) -> None:
    (repository.root / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  prepare:\n    cmd: make\n    outs:\n"
        "    - {path: made/x.csv, hash: md5, md5: 0123456789abcdef0123456789abcdef, size: 1}\n"
    )
    version = locate(repository, "made/x.csv", revision_of(repository)).version
    assert version == "md5:0123456789abcdef0123456789abcdef"


def test_a_file_in_git(repository: Repository) -> None:
    (repository.root / "small.csv").write_bytes(b"a\r\n1\r\n")
    version = locate(repository, "small.csv", revision_of(repository)).version
    assert version == md5(b"a\r\n1\r\n")


def test_each_revision_names_its_own_version(repository: Repository, dvc_add: DvcAdd) -> None:
    old = repository.head()
    before = locate(repository, DATA, old).version
    with (repository.root / DATA).open("a") as stream:
        stream.write("1,1,3\n")
    dvc_add(repository.root, "data")
    new = repository.commit_all("One more row")
    after = locate(repository, DATA, new).version
    assert after == md5((repository.root / DATA).read_bytes()) != before
    assert locate(repository, DATA, old).version == before


def test_data_that_changed_without_dvc_knowing(repository: Repository) -> None:
    tracked = locate(repository, DATA, repository.head())
    refuse_changed(repository, tracked)
    (repository.root / DATA).write_text("x1,x2,y\n1,1,1\n")
    with pytest.raises(ConfigError, match=r"changed, and data\.dvc still records") as caught:
        refuse_changed(repository, tracked)
    assert "`dvc add data`" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("path", "words", "hint"),
    [
        ("data/point.csv", r"did you mean 'points\.csv'", "dvc add data"),
        ("loose/a.csv", "neither by DVC nor by git", "dvc add loose/a.csv"),
        ("nowhere.csv", "there is no data file", "data.path"),
        ("lfs.csv", "Git LFS", "dvc add lfs.csv"),
    ],
)
def test_a_file_that_nothing_tracks(
    repository: Repository, path: str, words: str, hint: str
) -> None:
    (repository.root / "loose").mkdir()
    (repository.root / "loose" / "a.csv").write_text("a\n")
    (repository.root / "loose" / ".gitignore").write_text("*.csv\n")
    (repository.root / "lfs.csv").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ConfigError, match=words) as caught:
        locate(repository, path, revision_of(repository))
    assert hint in str(caught.value.hint)


def test_the_remote_is_gone(repository: Repository) -> None:
    empty_cache(repository)
    shutil.rmtree(repository.root / "dvc-remote")
    with pytest.raises(InfrastructureError, match="remote 'storage' is gone") as caught:
        locate(repository, DATA, repository.head())
    assert "dvc remote modify storage url NEW" in str(caught.value.hint)
    assert "of the original project: copy its dvc-remote here" in str(caught.value.hint)
    assert caught.value.exit_code == 5


def test_a_remote_elsewhere_is_gone(repository: Repository, tmp_path: Path) -> None:
    empty_cache(repository)
    config = repository.root / ".dvc" / "config"
    config.write_text(config.read_text().replace("../dvc-remote", str(tmp_path / "disk")))
    with pytest.raises(InfrastructureError, match=f"there is no folder {tmp_path}/disk") as caught:
        locate(repository, DATA, repository.head())
    assert caught.value.hint == "bring it back, or type `dvc remote modify storage url NEW`"


def test_the_data_was_not_pushed(repository: Repository) -> None:
    empty_cache(repository)
    shutil.rmtree(repository.root / "dvc-remote" / "files")
    with pytest.raises(InfrastructureError, match="neither in the cache nor in the") as caught:
        locate(repository, DATA, repository.head())
    assert caught.value.exit_code == 5
    assert "dvc push" in str(caught.value.hint)


def test_there_is_no_remote(repository: Repository) -> None:
    empty_cache(repository)
    (repository.root / ".dvc" / "config").write_text("")
    with pytest.raises(InfrastructureError, match="no remote") as caught:
        locate(repository, DATA, repository.head())
    assert "dvc remote add" in str(caught.value.hint)


def test_a_remote_that_dvc_cannot_read(repository: Repository) -> None:
    empty_cache(repository)
    (repository.root / ".dvc" / "config").write_text("[core]\n    remote = nobody\n")
    with pytest.raises(InfrastructureError, match=r"DVC failed: .*nobody"):
        locate(repository, DATA, repository.head())


def test_the_remote_holds_other_bytes(repository: Repository) -> None:
    empty_cache(repository)
    (manifest,) = (repository.root / "dvc-remote").rglob("*.dir")
    manifest.chmod(0o644)
    manifest.write_text("[]")
    with pytest.raises(DataError, match="holds other bytes") as caught:
        locate(repository, DATA, repository.head())
    assert f"delete {manifest}, and type `dvc push data.dvc`" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("outs: [", "not a file as DVC writes it"),
        ("outs:\n- {md5: aa, path: data}\n", "no MD5 of 'data' as DVC 3 does"),
    ],
)
def test_a_dvc_file_that_cannot_be_used(repository: Repository, content: str, words: str) -> None:
    (repository.root / "data.dvc").write_text(content)
    with pytest.raises(ConfigError, match=words):
        locate(repository, DATA, revision_of(repository))


def test_a_lookup_in_the_cache_imports_nothing_heavy(repository: Repository) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from mltk.project.git import Repository\n"
        "from mltk.project.load import load\n"
        "from mltk.project.request import revision_of, run_request\n"
        "repository = Repository.at(Path(sys.argv[1])); project = load(Path('mltk.yaml'))\n"
        "run_request(project, 'points', repository, revision_of(repository))\n"
        "print({'dvc', 'numpy', 'tensorflow', 'mlflow'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", program, str(repository.root)]
    done = subprocess.run(command, cwd=repository.root, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
