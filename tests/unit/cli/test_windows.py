"""Ticks and backfills over a real git repository and store; runs end as the test says."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.cli import window_ledgers
from mltk.cli.backfilling import Backfill, Stretch, plan_backfill
from mltk.cli.delivery import Wanted, wanted
from mltk.cli.due import NOTHING, due
from mltk.cli.place import Place
from mltk.cli.planning import plan, together
from mltk.cli.ticking import Tick, next_moment, tick
from mltk.errors import ConfigError, DataError, InfrastructureError, UsageError
from mltk.local.ownership import Ownership
from mltk.project.git import Repository
from mltk.tekton.objects import Obj, labels_of, name_of, spec_of
from mltk.tekton.triggers.templates import EVENT

from .conftest import Shell

START = datetime(2024, 11, 2, tzinfo=UTC)
NOW = datetime(2024, 11, 28, tzinfo=UTC)
ALL: dict[str, Any] = {"every": "1d", "time_column": "when", "catch_up": "all"}


def _git(folder: Path, *args: str) -> None:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True)


class Stream:
    """A project whose table grows, and the commands over it."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.rows: list[str] = []
        _git(shell.folder, "init", "-q")
        (shell.folder / ".gitignore").write_text(".mltk/\n", encoding="utf-8")
        self.configure()
        (shell.folder / ".mltk" / "mlflow.db").touch()

    @property
    def place(self) -> Place:
        return self.shell.place

    def configure(self, **windows: Any) -> None:
        model = {
            "problem": "regression",
            "data": {"path": "plane.csv"},
            "target": {"name": "y"},
            "features": [{"name": "x"}],
            "windows": {**ALL, **windows},
        }
        spec = {"project": "small", "models": {"plane": model}}
        (self.shell.folder / "mltk.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
        self.arrive()

    def add_model(self, **windows: Any) -> None:
        """Add a model `other` over the same table."""
        path = self.shell.folder / "mltk.yaml"
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
        spec["models"]["other"] = {**spec["models"]["plane"], "windows": {**ALL, **windows}}
        path.write_text(yaml.safe_dump(spec), encoding="utf-8")

    @property
    def head(self) -> str:
        return Repository.at(self.shell.folder).head()

    def arrive(self, day: float = 0, count: int = 0) -> None:
        """Add `count` rows from that day on, an hour apart, and commit."""
        for number in range(count):
            when = START + timedelta(days=day, hours=number)
            self.rows.append(f"{when:%Y-%m-%dT%H:%M:%SZ},{len(self.rows)},{2 * len(self.rows)}")
        text = "\n".join(["when,x,y", *self.rows]) + "\n"
        (self.shell.folder / "plane.csv").write_text(text, encoding="utf-8")
        _git(self.shell.folder, "add", "--all")
        _git(self.shell.folder, "commit", "-q", "--allow-empty", "-m", "Rows")

    def tick(self, reason: str = "Completed", *, now: datetime = NOW, retry: bool = False) -> Tick:
        """Tick, and let the new runs end so."""
        with self.place.engine.turn():
            found = tick(self.place, [], now, retry=retry)
        for run in found.plan.new:
            self.end(run, reason)
        return found

    def end(self, run: Obj, reason: str) -> None:
        good = "True" if reason == "Completed" else "False"
        condition = {"type": "Succeeded", "status": good, "reason": reason, "message": ""}
        self.shell.backend.store.set_status(run, {"conditions": [condition]})

    def backfill(self, begin: str = "2024-11-01", end: str = "2024-12-01") -> Backfill:
        return plan_backfill(self.place, "plane", Stretch(begin, end), NOW)


@pytest.fixture
def stream(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Stream:
    # Nothing is run here, so that no Node.js is needed.
    monkeypatch.setattr("mltk.cli.readiness.require", lambda runs: None)
    return Stream(shell)


def windows(runs: Any) -> list[str]:
    return [_param(run, "window")[:10] for run in runs]


def _param(run: Obj, name: str) -> str:
    return next(str(each["value"]) for each in spec_of(run)["params"] if each["name"] == name)


def test_a_tick_makes_a_run_for_each_window_that_closed(stream: Stream) -> None:
    stream.arrive(0, 49)
    (first, second) = stream.tick().plan.new
    assert windows([first, second]) == ["2024-11-02", "2024-11-03"]
    assert _param(first, "window") == "2024-11-02T00:00:00Z/2024-11-03T00:00:00Z"
    assert _param(first, "data-version").startswith("rows:")
    assert labels_of(first)["mltk.dev/window"] == "20241102T000000Z-20241103T000000Z"


def test_a_tick_that_finds_nothing_new_starts_nothing(stream: Stream) -> None:
    stream.arrive(0, 25)
    stream.tick()
    again = stream.tick()
    assert again.plan.in_order == ()
    assert again.models[0].look is None, "the table is not even read"


def test_two_ticks_at_the_same_moment_make_each_run_once(stream: Stream) -> None:
    """As on a cluster, where no lock is held: two looks, one ledger."""
    stream.arrive(0, 49)
    theirs: list[Tick] = []
    later = NOW + timedelta(seconds=1)
    raced = stream.shell.raced(lambda other: theirs.append(tick(other, [], later)))
    ours = tick(raced, [], NOW)
    assert len(theirs[0].plan.new) == len(ours.plan.running) == 2
    assert not ours.plan.new
    assert len(stream.shell.backend.list("PipelineRun")) == 2
    for run in theirs[0].plan.new:
        stream.end(run, "Completed")
    assert not stream.tick().models[0].runs


def test_late_rows_run_the_windows_that_they_touch(stream: Stream) -> None:
    stream.configure(allowed_lateness="1d")
    stream.arrive(0, 49)
    stream.tick()
    stream.arrive(1.5, 1)
    found = stream.tick()
    assert windows(found.plan.new) == ["2024-11-03"]
    stream.arrive(9, 1)
    stream.tick()
    stream.arrive(1.5, 2)
    late = stream.tick()
    assert late.plan.new == ()
    assert late.models[0].look is not None
    assert late.models[0].look.late == 2


def _pushed(stream: Stream, before: str | None) -> Wanted:
    return wanted(stream.place, [], {}, since=before, due=True, clock=lambda: NOW)


def test_a_push_of_late_rows_runs_the_windows_that_they_touch(stream: Stream) -> None:
    stream.configure(allowed_lateness="1d")
    stream.arrive(0, 49)
    stream.tick()
    before = stream.head
    stream.arrive(1.5, 1)
    asked = _pushed(stream, before)
    assert (asked.manifests, asked.windowed) == ((), ("plane",))
    with stream.place.engine.turn():
        made, code = due(stream.place, asked.windowed, NOW, {"event-id": "e-1"})
    assert (windows(made.new), code) == (["2024-11-03"], 0)
    assert labels_of(made.new[0])[EVENT] == "e-1"
    stream.end(made.new[0], "Completed")
    assert stream.tick().plan.new == (), "the clock finds it done"


def test_a_push_of_rows_that_are_too_late_runs_nothing(stream: Stream) -> None:
    stream.arrive(0, 49)
    stream.tick()
    before = stream.head
    stream.arrive(0.5, 2)
    asked = _pushed(stream, before)
    with stream.place.engine.turn():
        assert due(stream.place, asked.windowed, NOW, {})[0].in_order == ()
    assert asked.manifests == ()
    assert "2 rows came too late" in stream.shell.capture.readouterr().err


def test_a_push_of_another_spec_delivers_the_newest_window_anew(stream: Stream) -> None:
    stream.arrive(0, 49)
    stream.tick()
    before = stream.head
    spec = yaml.safe_load((stream.shell.folder / "mltk.yaml").read_text())
    spec["models"]["plane"]["seed"] = 7
    (stream.shell.folder / "mltk.yaml").write_text(yaml.safe_dump(spec))
    stream.arrive(2.5, 24)
    asked = _pushed(stream, before)
    assert (windows(asked.manifests), asked.windowed) == (["2024-11-04"], ("plane",))
    Ownership(stream.shell.backend.store.database).take_office()
    with stream.place.engine.turn():
        made, _ = due(stream.place, asked.windowed, NOW, {})
        both = together(made, plan(stream.place, asked.manifests, force=False))
    assert windows(both.new) == ["2024-11-04"], "due and asked for, it is run once"
    assert both.running == both.done == ()


@pytest.mark.parametrize("before", ["", "a" * 40])
def test_after_a_push_that_tells_nothing_all_is_looked_at(stream: Stream, before: str) -> None:
    stream.arrive(0, 49)
    asked = _pushed(stream, before)
    assert (windows(asked.manifests), asked.windowed) == (["2024-11-03"], ("plane",))


def test_a_push_that_does_not_concern_a_model_looks_at_none_of_its_windows(stream: Stream) -> None:
    stream.arrive(0, 25)
    stream.tick()
    before = stream.head
    (stream.shell.folder / "README.md").write_text("nothing is learnt from this")
    stream.arrive()
    assert _pushed(stream, before) == Wanted(stream.head, ())


def test_what_is_to_register_nothing_leaves_windows_due(stream: Stream) -> None:
    stream.arrive(0, 49)
    words = ("run", "--due", "--no-wait", "--since", "")
    Ownership(stream.shell.backend.store.database).take_office()
    assert "due:" not in stream.shell.mltk(*words, "-p", "register=false").err
    assert "due:" not in stream.shell.mltk(*words, "--untrusted").err
    said = stream.shell.mltk(*words, "-o", "name")
    assert said.err.count("due: plane 2024-11-0") == 2
    assert len(said.out.splitlines()) == 2


def test_a_push_whose_rows_are_wrong_keeps_no_other_model_waiting(stream: Stream) -> None:
    stream.add_model(time_column="then")
    stream.arrive(0, 25)
    asked = _pushed(stream, None)
    with stream.place.engine.turn():
        made, code = due(stream.place, asked.windowed, NOW, {})
    assert (windows(made.new), code) == (["2024-11-02"], 3)
    with stream.place.engine.turn():
        assert due(stream.place, ["other"], NOW, {}) == (NOTHING, 3)
    assert "no column 'then'" in stream.shell.capture.readouterr().err


def test_a_tick_that_was_killed_before_it_kept_its_ledger_doubles_nothing(stream: Stream) -> None:
    stream.arrive(0, 25)
    (run,) = stream.tick().plan.new
    name = window_ledgers.object_name("small", "plane")
    stream.shell.backend.delete("ConfigMap", name)
    again = stream.tick()
    assert [name_of(each) for each in again.plan.done] == [name_of(run)]
    assert again.plan.new == ()


def test_what_was_killed_is_run_again_and_what_failed_is_not(stream: Stream) -> None:
    stream.arrive(0, 25)
    (run,) = stream.tick("Interrupted").plan.new
    (again,) = stream.tick("Failed").plan.new
    assert _param(again, "data-version") == _param(run, "data-version")
    assert _param(again, "window") == _param(run, "window")
    assert stream.tick().plan.new == ()
    (retried,) = stream.tick(retry=True).plan.new
    assert windows([retried]) == ["2024-11-02"]
    assert stream.tick(retry=True).plan.new == ()


def test_a_killed_run_of_a_final_window_keeps_its_rows(stream: Stream) -> None:
    stream.arrive(0, 25)
    (run,) = stream.tick("Interrupted").plan.new
    stream.arrive(0.5, 3)
    (again,) = stream.tick().plan.new
    assert _param(again, "data-version") == _param(run, "data-version")
    assert _param(again, "revision") == _param(run, "revision")


def test_a_clock_that_went_back_is_said(stream: Stream) -> None:
    stream.arrive(0, 25)
    stream.tick()
    said = stream.tick(now=NOW - timedelta(days=1)).models[0].notes
    assert said == (
        "plane: the clock went back from 2024-11-28T00:00:00Z to 2024-11-27T00:00:00Z; the"
        " watermark stays where it was: look at the clock of this machine",
    )


def test_rows_from_the_future_stop_the_tick_with_their_line(stream: Stream) -> None:
    stream.arrive(0, 1)
    stream.arrive(60, 1)
    with pytest.raises(DataError, match="is in the future") as refused:
        stream.tick()
    assert refused.value.where == "plane.csv, line 3, column 'when'"


def test_a_time_column_that_is_not_there(stream: Stream) -> None:
    stream.configure(time_column="wen")
    stream.arrive(0, 1)
    with pytest.raises(DataError, match="no column 'wen'; did you mean 'when'"):
        stream.tick()


def test_a_model_whose_data_is_wrong_keeps_no_other_waiting(stream: Stream) -> None:
    stream.add_model(time_column="then")
    stream.arrive(0, 25)
    found = stream.tick()
    assert windows(found.plan.new) == ["2024-11-02"]
    assert list(found.failures) == ["other"]
    said = stream.shell.mltk("windows", "tick", code=3)
    assert "other:\nerror: there is no column 'then'" in said.err
    assert "nothing is due: plane" in said.err


def test_windows_that_lie_elsewhere_begin_anew(stream: Stream) -> None:
    stream.arrive(0, 49)
    stream.tick("Interrupted")
    stream.configure(every="12h")
    again = stream.tick()
    assert len(again.plan.new) == 4
    assert stream.tick().plan.new == ()


def test_a_damaged_ledger_says_how_to_forget_it(stream: Stream) -> None:
    stream.arrive(0, 25)
    stream.tick()
    name = window_ledgers.object_name("small", "plane")
    patch = {"data": {"ledger.json": "{}"}}
    stream.shell.backend.patch("ConfigMap", name, "default", patch)
    with pytest.raises(InfrastructureError, match="does not hold") as refused:
        stream.tick()
    assert f"mltk delete configmap {name}" in str(refused.value.hint)


def test_a_model_is_delivered_from_its_newest_closed_window(stream: Stream) -> None:
    stream.arrive(0, 49)
    (run,) = wanted(stream.place, [], {}, clock=lambda: NOW).manifests
    assert windows([run]) == ["2024-11-03"]


def test_compile_prints_the_run_of_the_newest_closed_window(stream: Stream) -> None:
    stream.arrive(0, 49)
    (run,) = yaml.safe_load_all(stream.shell.mltk("compile").out)
    assert windows([run]) == ["2024-11-03"]


def test_a_window_longer_than_the_data_says_so(stream: Stream) -> None:
    stream.configure(length="30d")
    stream.arrive(0, 49)
    with pytest.raises(ConfigError, match=r"no window is closed yet.*a window is 30d long"):
        wanted(stream.place, ["plane"], {}, clock=lambda: NOW)
    found = wanted(stream.place, [], {}, clock=lambda: NOW)
    assert found.manifests == (), "who named nobody runs the others"


def test_models_without_windows_are_no_matter_of_ticks(stream: Stream) -> None:
    spec = yaml.safe_load((stream.shell.folder / "mltk.yaml").read_text())
    del spec["models"]["plane"]["windows"]
    (stream.shell.folder / "mltk.yaml").write_text(yaml.safe_dump(spec))
    assert next_moment(stream.place, NOW) is None
    said = stream.shell.mltk("windows", "tick", code=3)
    assert "no model has windows" in said.err


def test_the_next_look_is_when_a_window_ends(stream: Stream) -> None:
    assert next_moment(stream.place, NOW) == NOW + timedelta(days=1)


def test_a_backfill_plans_what_is_not_there(stream: Stream) -> None:
    stream.arrive(0, 5)
    stream.arrive(1, 49)
    (run,) = stream.tick().plan.new[:1]
    assert [(step.action, step.run) for step in stream.backfill().steps][:2] == [
        ("few rows", ""),
        ("up to date", name_of(run)),
    ]
    assert stream.backfill().steps[-1].action == "open"


def test_a_backfill_takes_the_rows_that_came_too_late(stream: Stream) -> None:
    stream.arrive(0, 25)
    (run,) = stream.tick().plan.new
    stream.arrive(0.5, 3)
    step = stream.backfill().steps[0]
    assert (step.action, step.standing.rows) == ("train", 27)
    assert _param(step.manifest, "data-version") != _param(run, "data-version")


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2024-12-01", "2024-11-01", "is not after"),
        ("2023-12-01", "2023-12-31", "no window with rows lies between"),
        ("yesterday", "2023-12-31", "'yesterday' is no time in ISO 8601"),
    ],
)
def test_a_stretch_that_is_none(stream: Stream, begin: str, end: str, words: str) -> None:
    stream.arrive(0, 25)
    with pytest.raises(UsageError, match=words):
        stream.backfill(begin, end)


def test_a_backfill_asks_first(stream: Stream) -> None:
    stream.arrive(0, 25)
    stretch = ("--from", "2024-11-01", "--to", "2024-12-01")
    said = stream.shell.mltk("windows", "backfill", "plane", *stretch, code=2)
    assert "type --yes" in said.err
    plan = stream.shell.mltk("windows", "backfill", "plane", *stretch, "--dry-run", "-o", "json")
    assert [step["action"] for step in plan.json] == ["train", "open"]


def test_the_windows_in_a_table(stream: Stream) -> None:
    stream.arrive(0, 25)
    stream.tick()
    rows = stream.shell.mltk("windows", "list", "-o", "json").json
    assert [(row["rows"], row["state"], row["status"]) for row in rows] == [
        (24, "final", "Completed"),
        (1, "open", "-"),
    ]
    assert "2024-11-02T00:00:00Z/2024-11-03T00:00:00Z" in stream.shell.mltk("windows", "list").out
    (status,) = stream.shell.mltk("windows", "status", "-o", "json").json
    assert (status["watermark"], status["final"]) == ("2024-11-03T00:00:00Z", 1)
    assert "WATERMARK" in stream.shell.mltk("windows", "status").out
