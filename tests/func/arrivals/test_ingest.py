"""The step `ingest`, with real git and DVC: in a work tree, and in a bare repository by a clone."""

from __future__ import annotations

import fcntl
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.func.arrivals.conftest import Waiting


def test_files_are_added_to_the_table_of_a_work_tree(waiting: Waiting) -> None:
    waiting.drop("b.csv", "1,1,3", "2,2,6", age=20)
    waiting.drop("a.csv", "9,0,9")
    (waiting.inbox / "c.csv.part").write_text("x1,x2,y\n0,0")
    waiting.drop("young.csv", "0,0,0", age=-3600)
    done = waiting.step(waiting.root)
    assert (done.code, done.changed, done.models) == (0, "true", "points"), done.said
    assert "data/points.csv: 3 rows of 2 objects" in done.said
    assert waiting.rows()[40:] == ["9,0,9", "1,1,3", "2,2,6"]
    assert waiting.git("rev-parse", "HEAD") == done.revision
    assert waiting.git("status", "--porcelain") == ""
    assert (waiting.root / "data/points.csv").read_text().splitlines()[1:] == waiting.rows()
    told = waiting.git("log", "-1", "--format=%an <%ae>%n%B")
    assert told.startswith(
        "mltk <mltk@localhost>\ndata/points.csv: 3 rows of 2 objects [skip mltk]"
    )
    assert f"{(waiting.inbox / 'b.csv').as_uri()} " in told
    assert waiting.git("show", "--format=", "--name-only") == "data.arrivals\ndata.dvc"


def test_the_same_object_twice_is_one_version(waiting: Waiting) -> None:
    waiting.drop("a.csv", "1,1,3")
    first = waiting.step(waiting.root)
    shutil.copytree(waiting.inbox, waiting.inbox / "again")
    (waiting.inbox / "a.csv").rename(waiting.inbox / "renamed.csv")
    second = waiting.step(waiting.root)
    assert (second.code, second.changed, second.revision) == (0, "false", first.revision)
    assert "nothing new" in second.said
    assert waiting.rows()[40:] == ["1,1,3"]


def test_a_repository_gets_the_version_by_a_push(waiting: Waiting) -> None:
    bare = waiting.bare()
    waiting.drop("a.csv", "1,1,3")
    done = waiting.step(bare)
    assert (done.code, done.changed) == (0, "true"), done.said
    assert waiting.git("rev-parse", "main", at=bare) == done.revision
    waiting.git("pull", "--quiet", str(bare), "main")
    assert waiting.rows()[40:] == ["1,1,3"]
    # On another machine nothing is known but what the repository holds.
    shutil.rmtree(waiting.workspace)
    waiting.workspace.mkdir()
    again = waiting.step(bare)
    assert (again.changed, again.revision) == ("false", done.revision)


def test_a_branch_of_its_own_takes_the_main_one_along(waiting: Waiting) -> None:
    waiting.says(branch="data")
    bare = waiting.bare()
    waiting.drop("a.csv", "1,1,3")
    first = waiting.step(bare)
    assert waiting.git("rev-parse", "data", at=bare) == first.revision, first.said
    (waiting.root / "README.md").write_text("new words\n")
    waiting.git("commit", "--quiet", "--all", "--message", "Say more")
    waiting.git("push", "--quiet", str(bare), "HEAD:main")
    waiting.drop("b.csv", "2,2,6")
    second = waiting.step(bare)
    assert waiting.git("show", f"{second.revision}:README.md", at=bare) == "new words"
    assert waiting.git("log", "--format=%s", "main", at=bare).splitlines()[0] == "Say more"
    ledger = waiting.git("show", f"{second.revision}:data.arrivals", at=bare).splitlines()
    assert [Path(json.loads(line)["uri"]).name for line in ledger] == ["a.csv", "b.csv"]
    refused = waiting.step(waiting.root)
    assert refused.code == 3
    assert "go to the branch data, and checked out is main" in refused.said


def test_a_branch_that_does_not_merge_is_told_with_what_to_type(waiting: Waiting) -> None:
    waiting.says(branch="data")
    bare = waiting.bare()
    waiting.drop("a.csv", "1,1,3")
    assert waiting.step(bare).code == 0
    waiting.drop("b.csv", "2,2,6")
    waiting.says()
    assert waiting.step(waiting.root).code == 0
    waiting.says(branch="data")
    waiting.git("push", "--quiet", str(bare), "HEAD:main")
    refused = waiting.step(bare)
    assert (refused.code, refused.changed) == (3, ""), refused.said
    for words in ("`git switch data` and `git merge main`", "`git checkout --ours FILES`"):
        assert words in refused.said


def test_somebody_who_pushes_meanwhile_is_not_overrun(waiting: Waiting) -> None:
    bare = waiting.bare()
    waiting.drop("a.csv", "1,1,3")
    # Another clone pushes just before our push comes through: a hook of the server's does it, once.
    other = waiting.root.parent / "other"
    waiting.git("clone", "--quiet", str(bare), str(other))
    (other / "README.md").write_text("theirs\n")
    waiting.git("commit", "--quiet", "--all", "--message", "Be faster", at=other)
    hook = bare / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\nset -e\n[ -e done ] && exit 0\ntouch done\n"
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        f"git fetch --quiet {other} main\ngit update-ref refs/heads/main FETCH_HEAD\n"
    )
    hook.chmod(0o755)
    done = waiting.step(bare)
    assert done.code == 0, done.said
    subjects = waiting.git("log", "--format=%s", "main", at=bare).splitlines()
    assert subjects[:2] == ["data/points.csv: 1 row of 1 object [skip mltk]", "Be faster"]


def test_a_branch_that_refuses_the_bot(waiting: Waiting) -> None:
    bare = waiting.bare()
    waiting.drop("a.csv", "1,1,3")
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    done = waiting.step(bare)
    assert done.code == 5
    assert "main is protected" in done.said
    assert "arrival.branch" in done.said


def test_what_does_not_fit_is_said_once_and_stops_nothing(waiting: Waiting) -> None:
    waiting.drop("bad.csv", "1,2,3", header="x1,x2,z")
    waiting.drop("good.csv", "1,1,3")
    done = waiting.step(waiting.root)
    assert done.code == 0, done.said
    assert "bad.csv: refused: it has no column 'y', which a model needs" in done.said
    assert waiting.rows()[40:] == ["1,1,3"]
    again = waiting.step(waiting.root)
    assert (again.code, again.changed) == (0, "false")
    waiting.drop("worse.csv", "1,2", header="x1,y")
    worse = waiting.step(waiting.root)
    assert (worse.code, worse.changed) == (3, "false")
    assert "worse.csv" in worse.said
    waiting.drop("worse.csv", "5,5,15")
    assert waiting.step(waiting.root).changed == "true"


def test_a_table_that_is_replaced(waiting: Waiting) -> None:
    waiting.says(how="replace")
    waiting.drop("old.csv", "1,1,3", age=100)
    newest = waiting.drop("new.csv", "2,2,6", "3,3,9", age=50)
    done = waiting.step(waiting.root)
    assert done.changed == "true", done.said
    assert (waiting.root / "data/points.csv").read_bytes() == newest.read_bytes()
    assert waiting.step(waiting.root).changed == "false"


def test_a_table_that_is_not_there_yet(waiting: Waiting) -> None:
    waiting.git("rm", "--quiet", "data.dvc")
    shutil.rmtree(waiting.root / "data")
    waiting.git("commit", "--quiet", "--all", "--message", "Begin with nothing")
    waiting.drop("a.csv", "1,1,3")
    ignored = waiting.step(waiting.root)
    assert ignored.code == 3
    assert "git ignores data/points.csv.dvc" in ignored.said
    (waiting.root / ".gitignore").write_text("/dvc-remote\n.mltk/\n")
    waiting.git("commit", "--quiet", "--all", "--message", "Ignore less")
    done = waiting.step(waiting.root)
    assert done.code == 0, done.said
    assert waiting.rows() == ["1,1,3"]
    assert waiting.git("status", "--porcelain") == ""


def test_other_files_of_a_tracked_folder_stay(waiting: Waiting) -> None:
    (waiting.root / "data" / "other.csv").write_text("a\n1\n")
    from mltk.data.objects import dvc_library

    with dvc_library() as library, library(str(waiting.root)) as repo:
        repo.add([str(waiting.root / "data")])
        repo.push()
    waiting.git("commit", "--quiet", "--all", "--message", "Track another file")
    bare = waiting.bare()
    waiting.drop("a.csv", "1,1,3")
    done = waiting.step(bare)
    assert done.code == 0, done.said
    waiting.git("pull", "--quiet", str(bare), "main")
    with dvc_library() as library, library(str(waiting.root)) as repo:
        repo.pull()
    assert (waiting.root / "data" / "other.csv").read_text() == "a\n1\n"
    assert (waiting.root / "data" / "points.csv").read_text().endswith("1,1,3\n")


@pytest.mark.parametrize("kept", ["data", "dvc_file"])
def test_work_of_the_users_own_is_never_committed_or_lost(waiting: Waiting, kept: str) -> None:
    table = waiting.root / "data" / "points.csv"
    if kept == "data":
        table.write_text("x1,x2,y\n7,7,7\n")
    else:
        (waiting.root / "data.dvc").write_text((waiting.root / "data.dvc").read_text() + "\n")
    before = table.read_bytes()
    waiting.drop("a.csv", "1,1,3")
    done = waiting.step(waiting.root)
    assert done.code == 3
    assert "dvc checkout" in done.said
    assert table.read_bytes() == before


def test_an_index_that_a_killed_process_left_behind_catches_up(waiting: Waiting) -> None:
    waiting.drop("a.csv", "1,1,3")
    done = waiting.step(waiting.root)
    waiting.git("reset", "--quiet", "--soft", "HEAD~1")
    waiting.git("reset", "--quiet", "--", "data.dvc", "data.arrivals")
    waiting.git("update-ref", "HEAD", done.revision)
    assert waiting.git("status", "--porcelain").splitlines() != []
    assert waiting.step(waiting.root).changed == "false"
    assert waiting.git("status", "--porcelain") == ""


def test_other_work_stays_as_it_is(waiting: Waiting) -> None:
    (waiting.root / "README.md").write_text("half done\n")
    (waiting.root / "new.txt").write_text("staged\n")
    waiting.git("add", "new.txt")
    waiting.drop("a.csv", "1,1,3")
    assert waiting.step(waiting.root).code == 0
    assert waiting.git("status", "--porcelain").splitlines() == ["M README.md", "A  new.txt"]


def test_an_event_of_another_place_may_have_replaced_one_of_ours(waiting: Waiting) -> None:
    waiting.drop("a.csv", "1,1,3")
    elsewhere = waiting.step(waiting.root, event={"uri": "s3://elsewhere/a.csv"})
    assert (elsewhere.code, elsewhere.changed) == (0, "true")
    waiting.drop("b.csv", "2,1,4")
    model = {"entity": "model_version", "action": "created", "data": {"name": "points"}}
    assert waiting.step(waiting.root, event=model, form="mlflow").changed == "true"
    assert waiting.rows()[40:] == ["1,1,3", "2,1,4"]


def test_a_source_that_is_away_does_not_hold_up_another(waiting: Waiting) -> None:
    document = yaml.safe_load((waiting.root / "mltk.yaml").read_text())
    (points,) = document["models"].values()
    document["models"]["others"] = {
        **points,
        "data": {**points["data"], "path": "data/others.csv"},
        "arrival": {"from": str(waiting.inbox / "nowhere")},
    }
    (waiting.root / "mltk.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    waiting.git("commit", "--quiet", "--all", "--message", "Wait for others")
    waiting.drop("a.csv", "1,1,3")
    done = waiting.step(waiting.root)
    assert (done.code, done.changed, done.models) == (0, "true", "points"), done.said
    assert "left for the next look" in done.said
    assert "there is no such folder" in done.said
    again = waiting.step(waiting.root)
    assert (again.code, again.changed) == (5, "false")


def test_what_a_killed_look_has_pushed_is_due_until_somebody_else_commits(
    waiting: Waiting,
) -> None:
    """A look that dies after its push tells nobody; the next one says what it would have said."""
    bare = waiting.bare()
    idle = waiting.step(bare)
    assert (idle.due, idle.before) == ("false", idle.revision)
    waiting.drop("a.csv", "1,1,3")
    killed = waiting.step(bare)
    assert (killed.due, killed.before) == ("true", idle.revision)
    after = waiting.step(bare)
    assert (after.changed, after.due) == ("false", "true")
    assert (after.before, after.revision) == (killed.before, killed.revision)
    waiting.git("pull", "--quiet", str(bare), "HEAD")
    waiting.git("commit", "--quiet", "--allow-empty", "--message", "Work on")
    waiting.git("push", "--quiet", str(bare), "HEAD")
    assert waiting.step(bare).due == "false"


def test_two_senders_at_once_wait_for_each_other(waiting: Waiting) -> None:
    held = waiting.root / ".git" / "mltk-arrivals"
    held.mkdir()
    waiting.drop("a.csv", "1,1,3")
    with (held / "lock").open("w") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        step = pool.submit(waiting.step, waiting.root)
        while not _asks_for_locks(held / "lock"):
            assert not step.done(), step.result().said
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert (step.result().code, step.result().changed) == (0, "true")


def _asks_for_locks(file: Path) -> bool:
    """Whether the kernel has somebody wait for a lock of it."""
    number = f":{file.stat().st_ino} "
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and number in line for line in lines)


@pytest.mark.parametrize(
    ("spoil", "said", "code"),
    [
        ("no folder", "there is no such folder", 5),
        ("not dvc", "data that arrive need DVC", 3),
        ("no remote", "the project has no remote", 5),
        ("ledger", "not as mltk writes it", 3),
        ("no repository", "cannot be fetched", 5),
        ("bad event", "no event of the form 's3'", 3),
    ],
)
def test_what_is_in_the_way_is_said(waiting: Waiting, spoil: str, said: str, code: int) -> None:
    waiting.drop("a.csv", "1,1,3")
    url: object = waiting.root
    event, form = None, "s3"
    match spoil:
        case "no folder":
            shutil.rmtree(waiting.inbox)
        case "not dvc":
            waiting.git("rm", "--quiet", "--cached", "data.dvc")
            (waiting.root / "data.dvc").unlink()
            waiting.git("add", "--force", "data/points.csv")
            waiting.git("commit", "--quiet", "--message", "Use git")
        case "no remote":
            bare = waiting.bare()
            (waiting.root / ".dvc" / "config").write_text("")
            waiting.git("commit", "--quiet", "--all", "--message", "Drop the remote")
            waiting.git("push", "--quiet", str(bare), "HEAD:main")
            waiting.drop("a.csv", "1,1,3")
            url = bare
        case "ledger":
            (waiting.root / "data.arrivals").write_text("<<<<<<< HEAD\n")
            waiting.git("add", "data.arrivals")
            waiting.git("commit", "--quiet", "--message", "Merge badly")
        case "no repository":
            url = waiting.root.parent / "nowhere.git"
        case "bad event":
            event = {"Records": 7}
    done = waiting.step(url, event=event, form=form)
    assert done.code == code, done.said
    assert said in done.said
