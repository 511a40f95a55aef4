"""Who goes next, by the rules that docs/queue.md states."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.queueing.decision import Decision, decide
from mltk.queueing.runs import QueuedRun
from tests.unit.queueing.made import START, World, at, queued

LIMITS = st.one_of(st.none(), st.integers(1, 4))


@st.composite
def some_runs(draw: st.DrawFn) -> list[QueuedRun]:
    """Runs of up to four queues of two projects, at any stage, with the same rules or others."""
    found = []
    for number in range(draw(st.integers(0, 14))):
        stage = draw(
            st.sampled_from(["waiting", "waiting", "waiting", "called", "running", "over"])
        )
        called = stage != "waiting" and draw(st.booleans())
        found.append(
            queued(
                f"r{number:02}",
                draw(st.sampled_from(["a", "b", "c", None if stage == "running" else "a"])),
                draw(st.integers(0, 5)),
                project=draw(st.sampled_from(["p", "o"])),
                stage=stage,
                called=at(draw(st.integers(0, 5))) if called or stage == "called" else None,
                limit=draw(LIMITS),
                project_limit=draw(LIMITS),
                newest_wins=draw(st.booleans()),
                quiet=draw(st.sampled_from([0, 0, 2])),
                longest=draw(st.sampled_from([3, 9])),
            )
        )
    return found


@given(some_runs(), st.randoms(use_true_random=False), st.integers(0, 20))
def test_the_order_in_which_runs_come_says_nothing(
    runs: list[QueuedRun], chance: random.Random, seconds: int
) -> None:
    shuffled = list(runs)
    chance.shuffle(shuffled)
    assert decide(at(seconds), shuffled) == decide(at(seconds), runs)


@given(some_runs(), st.integers(0, 20))
def test_nothing_goes_over_a_limit_and_no_place_stays_empty(
    runs: list[QueuedRun], seconds: int
) -> None:
    world = World(runs)
    world.now = at(seconds)
    went = world.settle()
    assert not world.of("called")
    for run in went:
        queue = [each for each in world.runs.values() if each.lane == run.lane]
        said = max((each for each in queue if each.stage in ("waiting", "running")),
                   key=lambda each: each.order)  # fmt: skip
        limit = said.rules.queue_limit
        going = [each for each in queue if each.stage == "running"]
        assert limit is None or said.stage == "running" or len(going) <= limit
    # Whoever still waits has a reason that can be named.
    for run in world.runs.values():
        if run.stage == "waiting":
            assert _reasons(world, run)


def _reasons(world: World, run: QueuedRun) -> list[str]:
    runs = world.runs.values()
    lane = [each for each in runs if each.lane == run.lane]
    waiting = sorted((each for each in lane if each.stage == "waiting"), key=lambda r: r.order)
    rules = waiting[-1].rules
    project = [each for each in runs if each.project == run.project]
    saying = [
        each for each in project if each.stage == "waiting" and each.rules.project_limit is not None
    ]
    limit = max(saying, key=lambda r: r.order).rules.project_limit if saying else None
    ready = min(
        waiting[-1].created + rules.quiet, min(each.since for each in waiting) + rules.longest
    )
    return [
        why
        for why, holds in {
            "queue": rules.queue_limit is not None
            and sum(each.stage == "running" for each in lane) >= rules.queue_limit,
            "project": limit is not None
            and sum(each.stage == "running" for each in project) >= limit,
            "quiet": bool(rules.quiet) and ready > world.now,
        }.items()
        if holds
    ]


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12), min_size=2),
    st.integers(1, 3),
    st.integers(1, 2),
    st.randoms(use_true_random=False),
)
def test_between_two_turns_of_a_queue_every_other_that_may_go_has_one(
    backlog: dict[str, int], project_limit: int, limit: int, chance: random.Random
) -> None:
    rules = {"limit": limit, "project_limit": project_limit}
    runs = [
        queued(f"{queue}-{number}", queue, chance.randrange(9), **rules)
        for queue, count in backlog.items()
        for number in range(count)
    ]
    world, turns = World(runs), []
    while world.of("waiting"):
        world.now += timedelta(seconds=1)
        may_go = {queue for queue in backlog if len(world.of("running", queue)) < limit
                  and world.of("waiting", queue)}  # fmt: skip
        went = [str(run.queue) for run in world.settle()]
        turns.append((may_go, went))
        assert len(world.of("running")) <= project_limit
        world.end(chance.choice(world.of("running")))
    for queue in backlog:
        _had_a_turn_in_time(queue, turns)


def _had_a_turn_in_time(queue: str, turns: list[tuple[set[str], list[str]]]) -> None:
    """While it might have gone, no other queue had more than two turns before it had one."""
    passed: dict[str, int] = {}
    for may_go, went in turns:
        if queue not in may_go:
            passed = {}
            continue
        for other in went:
            if other == queue:
                passed = {}
            else:
                passed[other] = passed.get(other, 0) + 1
                assert passed[other] <= 2, f"{other} went {passed[other]} times before {queue}"


def test_thousand_runs_of_one_queue_starve_no_other() -> None:
    crowd = [queued(f"a{n:04}", "a", n / 1000, limit=1, project_limit=1) for n in range(1000)]
    world = World([*crowd, queued("b", "b", 500, limit=1, project_limit=1)])
    first = world.settle()
    world.end(first[0].uid)
    world.now = at(501)
    assert [run.name for run in first + world.settle()] == ["a0000", "b"]


def test_oldest_of_a_queue_goes_first_whatever_its_name() -> None:
    world = World([queued("a", seconds=2, limit=1), queued("z", seconds=1, limit=1)])
    assert [run.name for run in world.settle()] == ["z"]


def test_stamp_orders_runs_of_the_same_second() -> None:
    first = queued("z", limit=1, order=(START, "2026-01-01T00:00:00.100000Z", "z"))
    second = queued("a", limit=1, order=(START, "2026-01-01T00:00:00.200000Z", "a"))
    assert [run.name for run in World([second, first]).settle()] == ["z"]


def test_project_of_its_own_has_limits_of_its_own() -> None:
    rules = {"limit": 1, "project_limit": 1}
    runs = [queued("a", **rules), queued("b", project="o", **rules)]
    assert len(World(runs).settle()) == 2
    runs = [queued("a", **rules), queued("b", namespace="other", **rules)]
    assert len(World(runs).settle()) == 2


def test_run_that_came_without_rules_counts_for_its_project() -> None:
    world = World([queued("by-hand", None, stage="running"), queued("a", project_limit=1)])
    assert world.settle() == []
    world.end("by-hand")
    assert [run.name for run in world.settle()] == ["a"]


def test_newest_run_says_the_limit_of_all_that_wait() -> None:
    runs = [queued(f"r{n}", seconds=n, limit=1) for n in range(4)]
    assert len(World(runs).settle()) == 1
    assert len(World([*runs, queued("r4", seconds=4, limit=3)]).settle()) == 3


def test_newest_takes_the_place_of_those_that_wait_and_of_none_that_runs() -> None:
    rules = {"limit": 1, "newest_wins": True}
    world = World(
        [
            queued("running", seconds=0, stage="running", **rules),
            queued("called", seconds=1, stage="called", called=at(1), project="o", **rules),
            *(queued(f"w{n}", seconds=2 + n, **rules) for n in range(3)),
            queued("other", "o", seconds=1, **rules),
        ]
    )
    (replacement,) = world.step().replace
    assert (replacement.by.name, replacement.since) == ("w2", at(2))
    assert [run.name for run in replacement.runs] == ["w0", "w1"]
    world.settle()
    assert sorted(world.of("running")) == ["called", "other", "running"]
    assert world.of("waiting") == ["w2"]


def test_newest_does_not_go_before_those_are_gone_that_it_replaces() -> None:
    runs = [queued(f"w{n}", seconds=n, newest_wins=True) for n in range(2)]
    decision = decide(at(9), runs)
    assert decision.replace
    assert not decision.call


def test_quiet_period_begins_anew_with_each_run_but_the_longest_wait_does_not() -> None:
    rules = {"newest_wins": True, "quiet": 30, "longest": 70}
    world, came = World(), [0, 20, 40, 60]
    for number, seconds in enumerate(came):
        run = queued(f"r{number}", seconds=seconds, **rules)
        world.runs[run.uid] = run
        world.now = at(seconds)
        assert world.settle() == []
    # Quiet would be at 90, but the oldest that was replaced has waited since 0.
    assert decide(world.now, world.runs.values()).look_again_at == at(70)
    world.now = at(70)
    assert [run.name for run in world.settle()] == ["r3"]


def test_quiet_queue_goes_when_its_time_is_over() -> None:
    world = World([queued("r", quiet=30, longest=300)])
    world.now = at(29)
    assert decide(world.now, world.runs.values()) == Decision(look_again_at=at(30))
    world.now = at(30)
    assert [run.name for run in world.settle()] == ["r"]


def test_call_of_one_that_died_is_carried_on() -> None:
    world = World([queued("r", limit=1, stage="called", called=at(0))])
    assert [run.name for run in world.settle()] == ["r"]


def test_calls_that_together_are_too_many_are_taken_back() -> None:
    both = [queued(n, n, project_limit=1, stage="called", called=at(0)) for n in "ab"]
    world = World(both)
    assert [run.name for run in world.step().withdraw] == ["a", "b"]
    assert len(world.settle()) == 1


def test_turns_go_on_when_the_clock_goes_back() -> None:
    world = World([queued(f"{q}{n}", q, limit=9, project_limit=1) for q in "ab" for n in (1, 2)])
    went = []
    for seconds in (50, 40, 30, 20):
        world.now = at(seconds)
        went += [run.name for run in world.settle()]
        world.end(*world.of("running"))
    assert went == ["a1", "b1", "a2", "b2"]


class _Loop:
    """One of several that tend the same queues, each with what it has seen of the history."""

    def __init__(self) -> None:
        self.view: dict[str, QueuedRun] = {}
        self.seen = 0
        self.asked: dict[str, str] = {}

    def see(self, history: list[QueuedRun], count: int) -> None:
        for run in history[self.seen : self.seen + count]:
            self.view[run.uid] = run
        self.seen = min(len(history), self.seen + count)

    def writes(self) -> list[tuple[QueuedRun, dict[str, object]]]:
        decision = decide(at(1), self.view.values())
        found: list[tuple[QueuedRun, dict[str, object]]] = [
            (run, {"stage": "waiting", "called": None}) for run in decision.withdraw
        ]
        found += [(run, {"stage": "running"}) for run in decision.release]
        found += [(each.run, {"stage": "called", "called": each.at}) for each in decision.call]
        return [each for each in found if self.asked.get(each[0].uid) != each[0].version]


class _Race:
    """Queues that several tend at once, while runs come and end."""

    def __init__(self, loops: int, chance: random.Random, limit: int) -> None:
        rules = {"limit": limit, "project_limit": 2}
        self.history = [queued(f"r{n}", "a", n, **rules) for n in range(3)]
        self.coming = [queued(f"s{n}", chance.choice("abcdef"), 3 + n, **rules) for n in range(9)]
        self.world = World(self.history)
        self.loops = [_Loop() for _ in range(loops)]
        self.pending: list[tuple[QueuedRun, dict[str, object]]] = []
        self.chance = chance

    @property
    def over(self) -> bool:
        return not self.coming and len(self.world.of("over")) == len(self.world.runs)

    def step(self) -> None:
        loop = self.chance.choice(self.loops)
        acts = [self.see, self.see, self.decide, self.decide, self.write, self.write, self.end]
        self.chance.choice([*acts, self.come])(loop)

    def see(self, loop: _Loop) -> None:
        loop.see(self.history, self.chance.randrange(1, 4))

    def decide(self, loop: _Loop) -> None:
        for write in loop.writes() if loop.seen >= 3 else ():  # all that was there at first
            loop.asked[write[0].uid] = write[0].version
            self.pending.append(write)

    def write(self, _: _Loop) -> None:
        if self.pending:
            run, fields = self.pending.pop(self.chance.randrange(len(self.pending)))
            if self.world.runs[run.uid].version == run.version:
                self.world.change(run, **fields)
                self.history.append(self.world.runs[run.uid])

    def end(self, _: _Loop) -> None:
        if running := self.world.of("running"):
            uid = self.chance.choice(running)
            self.world.end(uid)
            self.history.append(self.world.runs[uid])

    def come(self, _: _Loop) -> None:
        if self.coming:
            run = self.coming.pop(0)
            self.world.runs[run.uid] = run
            self.history.append(run)


@pytest.mark.parametrize("loops", [2, 3])
@given(seed=st.integers(0, 2**32), limit=st.integers(1, 2))
def test_several_that_see_different_pasts_never_let_too_many_go(
    loops: int, seed: int, limit: int
) -> None:
    race = _Race(loops, random.Random(seed), limit)
    for _ in range(5000):
        race.step()
        assert len(race.world.of("running")) <= 2
        assert all(len(race.world.of("running", queue)) <= limit for queue in "abcdef")
        if race.over:
            return
    raise AssertionError("not all of them went")
