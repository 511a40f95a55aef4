"""Objects of a web server, which cannot be listed: each is taken by its event."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.func.arrivals.conftest import Waiting


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Refuse the bytes of what is locked, of which HEAD tells as of any other."""
        if "locked" in self.path:
            self.send_error(403)
        else:
            super().do_GET()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a server over the folder `www`."""
    (tmp_path / "www" / "wine").mkdir(parents=True)
    handler = functools.partial(_Quiet, directory=str(tmp_path / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_object_is_taken_by_its_event(waiting: Waiting, web: str, tmp_path: Path) -> None:
    waiting.says(**{"from": f"{web}/wine/"})
    file = tmp_path / "www" / "wine" / "a.csv"
    file.write_text("x1,x2,y\n1,1,3\n")
    (tmp_path / "www" / "secret.csv").write_text("x1,x2,y\n0,0,0\n")
    first = waiting.step(waiting.root, event={"uri": f"{web}/wine/a.csv", "version": "1"})
    assert (first.code, first.changed) == (0, "true"), first.said
    again = waiting.step(waiting.root, event={"uri": f"{web}/wine/a.csv", "version": "1"})
    assert again.changed == "false"
    file.with_name("b.csv").write_text("x1,x2,y\n2,2,6\n")
    assert waiting.step(waiting.root, event={"uri": f"{web}/wine/b.csv"}).changed == "true"
    assert waiting.rows()[40:] == ["1,1,3", "2,2,6"]
    file.write_text("x1,x2,y\n1,1,3\n3,3,9\n")
    grown = waiting.step(waiting.root, event={"uri": f"{web}/wine/a.csv", "version": "2"})
    assert (grown.code, grown.changed) == (3, "false")
    assert "give what is new another name" in grown.said
    assert waiting.rows()[40:] == ["1,1,3", "2,2,6"]
    for path in ("secret.csv", "wine/../secret.csv"):
        elsewhere = waiting.step(waiting.root, event={"uri": f"{web}/{path}"})
        assert (elsewhere.code, elsewhere.changed) == (0, "false"), path
    gone = waiting.step(waiting.root, event={"uri": f"{web}/wine/gone.csv"})
    assert gone.code == 5
    assert "cannot be read" in gone.said


def test_an_object_that_nobody_may_read_keeps_no_other_away(
    waiting: Waiting, web: str, tmp_path: Path
) -> None:
    waiting.says(**{"from": f"{web}/wine/"})
    names = ("a-locked.csv", "b.csv")
    for name in names:
        (tmp_path / "www" / "wine" / name).write_text("x1,x2,y\n1,1,3\n")
    event = {"arrivals": [{"uri": f"{web}/wine/{name}"} for name in names]}
    done = waiting.step(waiting.root, event=event)
    assert (done.code, done.changed) == (0, "true"), done.said
    assert f"left for the next look: {web}/wine/a-locked.csv: cannot be read: 403" in done.said
    assert waiting.rows()[40:] == ["1,1,3"]
    alone = waiting.step(waiting.root, event=event["arrivals"][0])
    assert (alone.code, alone.changed) == (5, "")
    assert f"{web}/wine/a-locked.csv" in alone.said


def test_what_an_event_names_that_no_command_can_take_is_asked_for_in_parts(
    waiting: Waiting, web: str
) -> None:
    waiting.says(**{"from": f"{web}/wine/"})
    cut = waiting.step(waiting.root, "--event=too-long")
    assert (cut.code, cut.changed) == (3, "false")
    assert f"{web}/wine/" in cut.said
    assert "send it in parts" in cut.said
