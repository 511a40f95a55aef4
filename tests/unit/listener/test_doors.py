"""Which EventListener a request is for."""

from __future__ import annotations

from pathlib import Path

from mltk.listener.doors import PATH, Doors
from mltk.local.backend import LocalBackend
from tests.func.listener.conftest import listener


def test_one_with_a_path_of_its_own_leaves_the_others_where_they_are(tmp_path: Path) -> None:
    own = listener(name="data")
    own["metadata"]["annotations"] = {PATH: "/arrivals/"}
    with LocalBackend(tmp_path / ".mltk", serves=True) as backend:
        backend.create(own)
        assert _found(backend, "/anything") is None
        backend.create(listener(name="push"))
        assert _found(backend, "/") == ("push", "/")
        assert _found(backend, "/arrivals") == ("data", "/")
        assert _found(backend, "/arrivals?token=x") == ("data", "/?token=x")
        assert _found(backend, "/arrivals/a?b") == ("data", "/a?b")
        assert _found(backend, "/arrivalsx") == ("push", "/arrivalsx")
        backend.create(listener(name="third"))
        assert _found(backend, "/default/push/x") == ("push", "/x")
        assert _found(backend, "/arrivals") == ("data", "/")
        assert _found(backend, "/x") is None
        only = Doors(backend.store, ("default", "data"))
        found = only.find("/anywhere")
        assert found is not None
        assert found[1] == "/anywhere"


def _found(backend: LocalBackend, url: str) -> tuple[str, str] | None:
    found = Doors(backend.store).find(url)
    return (found[0]["metadata"]["name"], found[1]) if found else None
