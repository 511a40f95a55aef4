"""What a watch tells, when it ends and how long it bears a silent server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.cluster.call import POD, Call
from mltk.cluster.errors import Unreachable
from mltk.cluster.listing import selection
from mltk.cluster.patience import Patience
from mltk.cluster.server import Query, Server
from mltk.cluster.watch import Deadline, Told, watch
from mltk.errors import UsageError
from mltk.tekton.kinds import find_kind
from mltk.tekton.objects import Obj, name_of


def config(name: str, version: int, uid: int = 1) -> Obj:
    metadata = {"name": name, "uid": f"{name}{uid}", "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}


def told(*events: tuple[str, Obj]) -> Told:
    known = Told()
    for type_, obj in events:
        list(known.observe(type_, obj))
    return known


def names(known: Told, *objs: Obj) -> list[tuple[str, str]]:
    return [(event.type, name_of(event.obj)) for event in known.replace(objs)]


def test_listing_again_tells_only_what_changed() -> None:
    known = told(*(("ADDED", config(name, 1)) for name in "abc"))
    assert names(known, config("a", 1), config("b", 5), config("d", 6)) == [
        ("DELETED", "c"),
        ("MODIFIED", "b"),
        ("ADDED", "d"),
    ]
    assert names(known, config("a", 1), config("b", 5), config("d", 6)) == []


def test_object_that_was_made_anew_went_first() -> None:
    known = told(("ADDED", config("a", 1)))
    assert names(known, config("a", 7, uid=2)) == [("DELETED", "a"), ("ADDED", "a")]


def test_change_that_was_told_is_not_told_again() -> None:
    known = told(("ADDED", config("a", 1)), ("MODIFIED", config("a", 2)))
    assert list(known.observe("MODIFIED", config("a", 2))) == []
    assert [event.type for event in known.observe("DELETED", config("a", 3))] == ["DELETED"]
    assert list(known.observe("DELETED", config("a", 3))) == []


states = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(1, 9), st.integers(1, 2)))


@given(st.lists(states, max_size=5))
def test_events_lead_from_each_listing_to_the_next(
    listings: list[dict[str, tuple[int, int]]],
) -> None:
    known = Told()
    world: dict[str, Obj] = {}
    for listing in listings:
        objs = [config(name, version, uid) for name, (version, uid) in listing.items()]
        for event in known.replace(objs):
            if event.type == "DELETED":
                del world[name_of(event.obj)]
            else:
                assert (event.type == "MODIFIED") == (name_of(event.obj) in world)
                world[name_of(event.obj)] = event.obj
        assert world == {name_of(obj): obj for obj in objs}


def test_deadline_comes_with_the_clock() -> None:
    now = [0.0]
    deadline = Deadline(5, lambda: now[0])
    assert (deadline.left, deadline.over) == (5, False)
    now[0] = 6
    assert deadline.over
    assert not Deadline(None, lambda: now[0]).over


def test_patience_pauses_longer_each_time_until_it_ends() -> None:
    now, pauses = [0.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    patience = Patience(seconds=10, clock=lambda: now[0], sleep=sleep)
    with pytest.raises(Unreachable, match="gone"):
        while True:
            patience.spend(Unreachable("gone"))
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    patience.reward()
    patience.spend(Unreachable("gone"))
    assert pauses[-1] == 0.2


def test_patience_begins_anew_after_a_quiet_stream() -> None:
    now, pauses = [0.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    patience = Patience(clock=lambda: now[0], sleep=sleep)
    for lasted in (300.0, 300.0, 10.0):
        now[0] += lasted
        patience.spend(Unreachable("gone"))
    assert pauses == [0.2, 0.2, 0.4]


class Stopped(Exception):
    """The test has seen enough."""


class Empty(Server):
    """A server that has nothing, and ends each stream after some seconds without a word."""

    def __init__(self, now: list[float], *lasting: float) -> None:
        self._now = now
        self._lasting = iter(lasting)

    def send(
        self,
        call: Call,
        query: Query | None = None,
        body: Obj | None = None,
        content_type: str = "",
    ) -> Obj:
        return {"items": [], "metadata": {"resourceVersion": "1"}}

    @contextmanager
    def stream(
        self, call: Call, query: Query | None = None, *, seconds: float | None = None
    ) -> Iterator[Iterator[bytes]]:
        lasted = next(self._lasting, None)
        if lasted is None:
            raise Stopped
        yield iter(())
        self._now[0] += lasted


def test_watch_that_ends_at_once_is_not_reopened_at_once() -> None:
    now = [0.0]
    pauses: list[float] = []
    patience = Patience(clock=lambda: now[0], sleep=pauses.append)
    call = Call("watch", find_kind("cm"), "lab")
    with pytest.raises(Stopped):
        list(watch(Empty(now, 0.0, 0.5, 300.0, 0.1), call, {}, patience=patience))
    assert pauses == [1.0, 1.0, 1.0]


def test_selectors_become_queries() -> None:
    assert selection({"a": "1", "b": "2"}) == {"labelSelector": "a=1,b=2"}
    assert selection("a in (1,2)", "n") == {
        "labelSelector": "a in (1,2)",
        "fieldSelector": "metadata.name=n",
    }
    assert selection(None) == selection("") == selection({}) == {}
    with pytest.raises(UsageError, match="not a label selector"):
        selection("a=(")


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (Call("list", find_kind("pr")), "/apis/tekton.dev/v1/pipelineruns"),
        (Call("get", find_kind("cm"), "lab", "a"), "/api/v1/namespaces/lab/configmaps/a"),
        (Call("create", find_kind("tr"), "n", "a-"), "/apis/tekton.dev/v1/namespaces/n/taskruns"),
        (Call("get", POD, "lab", "p", "log"), "/api/v1/namespaces/lab/pods/p/log"),
        (Call("get", POD, "a/b", "../c"), "/api/v1/namespaces/a%2Fb/pods/..%2Fc"),
    ],
)  # fmt: skip
def test_paths_of_requests(call: Call, path: str) -> None:
    assert call.path == path
