"""A real `git push` to a bare repository whose hook tells a listener."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from mltk.forges.post_receive import event, missed
from mltk.project.hook import hidden
from mltk.tekton.triggers.bindings import Event
from mltk.tekton.triggers.chain import Interceptors
from mltk.tekton.triggers.interceptors.core import Core
from mltk.tekton.triggers.sink import Handled, Surroundings, handle
from tests.func.pipeline.conftest import MLTK, REPOSITORY

SECRET = b"hook-secret"
Received = tuple[dict[str, str], bytes]


@dataclass
class Listener:
    url: str = ""
    code: int = 202
    got: list[Received] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if found.code < 300:
                found.got.append((dict(self.headers.items()), body))
            self.send_response(found.code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Repositories:
    bare: Path
    work: Path
    secret: Path

    def git(self, *args: str, cwd: Path | None = None) -> str:
        who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
        done = subprocess.run(
            ["git", *who, *args], cwd=cwd or self.work, check=True, capture_output=True, text=True
        )
        return done.stdout.strip() + done.stderr

    def push(self, message: str, *options: str) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("push", *options, "origin", "HEAD:main")

    def mltk(self, *args: str, code: int = 0) -> str:
        done = subprocess.run(
            [MLTK, "hook", *args], cwd=self.work, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def install(self, url: str, code: int = 0) -> str:
        return self.mltk(
            "install", str(self.bare), "--url", url, "--secret-file", str(self.secret), code=code
        )


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    found = Repositories(tmp_path / "wine.git", tmp_path / "work", tmp_path / "secret")
    found.work.mkdir()
    found.git("init", "-q", "--bare", str(found.bare))
    found.git("init", "-q")
    found.git("remote", "add", "origin", str(found.bare))
    found.secret.write_bytes(SECRET + b"\n")
    found.secret.chmod(0o600)
    return found


def _handled(received: Received) -> Handled:
    """What the shipped EventListener makes of it."""
    objects = {}
    for path in (REPOSITORY / "tekton/triggers").glob("*.yaml"):
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            each["metadata"]["namespace"] = "default"
            objects[each["kind"], each["metadata"]["name"]] = each
    header, body = received
    secrets = {"mltk-git": {"token": SECRET}}
    core = Core(lambda _, name: secrets.get(name), lambda *_: pytest.fail("GitHub is asked"))
    outside = Surroundings(
        lambda kind, _, name: objects.get((kind, name)),
        lambda _: [],
        Interceptors(lambda *_: None, core, lambda *_: pytest.fail("a server is asked")),
        lambda: "uid",
    )
    event = Event(body, {key: [value] for key, value in header.items()}, event_id="e")
    return handle(objects["EventListener", "mltk"], event, "/", outside)


def test_a_push_is_told_signed(repositories: Repositories, listener: Listener) -> None:
    repositories.install(listener.url)
    said = repositories.push("First")
    assert f"mltk: told {listener.url} of main" in said
    ((header, body),) = listener.got
    signature = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    assert header["X-Hub-Signature-256"] == signature
    found = json.loads(body)
    assert found["after"] == repositories.git("rev-parse", "HEAD")
    assert found["repository"]["clone_url"] == str(repositories.bare)


def test_the_shipped_trigger_starts_runs_of_it(
    repositories: Repositories, listener: Listener
) -> None:
    repositories.install(listener.url)
    repositories.push("First")
    repositories.push("Second")
    made = [each for each in _handled(listener.got[-1]).outcomes if each.objects]
    (outcome,) = made
    assert outcome.trigger == "git-push"
    (run,) = outcome.objects
    params = {each["name"]: each["value"] for each in run["spec"]["params"]}
    assert params["revision"] == repositories.git("rev-parse", "HEAD")
    assert params["before"] == repositories.git("rev-parse", "HEAD~1")
    assert (params["register"], params["untrusted"]) == ("true", "false")


@pytest.mark.parametrize("message", ["No run [skip mltk]"])
def test_a_push_can_ask_for_nothing(
    repositories: Repositories, listener: Listener, message: str
) -> None:
    repositories.install(listener.url)
    repositories.push(message)
    assert not any(each.objects for each in _handled(listener.got[-1]).outcomes)


def test_a_branch_that_goes_starts_nothing(repositories: Repositories, listener: Listener) -> None:
    repositories.install(listener.url)
    repositories.push("First")
    repositories.git("config", "receive.denyDeleteCurrent", "ignore", cwd=repositories.bare)
    repositories.git("push", "origin", ":main")
    assert json.loads(listener.got[-1][1])["deleted"]
    assert not any(each.objects for each in _handled(listener.got[-1]).outcomes)


def test_a_force_push_is_told_with_both_commits(
    repositories: Repositories, listener: Listener
) -> None:
    repositories.install(listener.url)
    repositories.push("First")
    gone = repositories.git("rev-parse", "HEAD")
    repositories.git("commit", "-q", "--amend", "--allow-empty", "-m", "Other")
    repositories.git("push", "--force", "origin", "HEAD:main")
    assert json.loads(listener.got[-1][1])["before"] == gone


def test_a_listener_that_is_down_fails_no_push_and_loses_nothing(
    repositories: Repositories, listener: Listener
) -> None:
    repositories.install(listener.url)
    listener.code = 503
    said = repositories.push("First")
    assert "it answers 503" in said
    assert "1 event(s) wait for the next push" in said
    repositories.mltk("send", str(repositories.bare), code=5)
    listener.code = 202
    repositories.push("Second")
    found = [json.loads(body)["head_commit"]["message"] for _, body in listener.got]
    assert found == ["First", "Second"]
    repositories.mltk("send", str(repositories.bare))
    assert len(listener.got) == 2


KILLER = """#!{python}
import random, subprocess, sys

hook = subprocess.Popen([sys.executable, *sys.argv[1:]])
try:
    hook.wait(timeout=random.uniform(0, 0.25))
except subprocess.TimeoutExpired:
    hook.kill()
"""


def test_a_hook_that_is_killed_at_any_moment_loses_no_event(
    repositories: Repositories, listener: Listener, tmp_path: Path
) -> None:
    repositories.push("Before there was a hook")
    begin = repositories.git("rev-parse", "HEAD")
    killer = tmp_path / "killer"
    killer.write_text(KILLER.format(python=sys.executable), encoding="utf-8")
    killer.chmod(0o755)
    bare = str(repositories.bare)
    settings = ("--url", listener.url, "--secret-file", str(repositories.secret))
    repositories.mltk("install", bare, *settings, "--python", str(killer))
    for number in range(15):
        repositories.push(f"Commit {number}")
        if number % 4 == 3:
            repositories.git("push", "origin", f"HEAD:side-{number}")
    repositories.mltk("send", bare)
    told = [json.loads(body) for _, body in listener.got]
    seen = set()
    for each in told:
        if each["ref"] == "refs/heads/main":
            seen |= set(repositories.git("rev-list", f"{each['before']}..{each['after']}").split())
    assert seen == set(repositories.git("rev-list", f"{begin}..HEAD").split())
    assert {each["ref"] for each in told if each["created"]} == {
        f"refs/heads/side-{number}" for number in (3, 7, 11)
    }
    count = len(listener.got)
    repositories.mltk("send", bare)
    assert len(listener.got) == count, "what was told is told once"


def test_a_hook_that_lost_what_it_knew_tells_the_push(
    repositories: Repositories, listener: Listener
) -> None:
    repositories.install(listener.url)
    repositories.push("First")
    for broken in (None, "{"):
        known = repositories.bare / "mltk-hook" / "branches.json"
        known.unlink() if broken is None else known.write_text(broken, encoding="utf-8")
        before = repositories.git("rev-parse", "HEAD")
        listener.got.clear()
        repositories.push("Next")
        (found,) = [json.loads(body) for _, body in listener.got]
        after = repositories.git("rev-parse", "HEAD")
        assert (found["before"], found["after"]) == (before, after)


def test_a_repository_that_git_cannot_read_is_not_taken_for_an_empty_one(
    repositories: Repositories, listener: Listener
) -> None:
    repositories.install(listener.url)
    repositories.push("First")
    listener.got.clear()
    packed = repositories.bare / "packed-refs"
    packed.write_text("nonsense\n", encoding="utf-8")
    assert "git for-each-ref failed" in repositories.mltk("send", str(repositories.bare), code=5)
    packed.unlink()
    repositories.mltk("send", str(repositories.bare))
    assert not listener.got, "no branch has gone"


def test_an_event_is_not_made_of_a_commit_that_git_cannot_show(repositories: Repositories) -> None:
    with pytest.raises(OSError, match="git show failed"):
        event(repositories.bare, {"clone_url": "x"}, NONE, A, MAIN)


A, B, C, NONE = "a" * 40, "b" * 40, "c" * 40, "0" * 40
MAIN = "refs/heads/main"


@pytest.mark.parametrize(
    ("told", "known", "now", "kept"),
    [
        ([(A, B, MAIN)], {MAIN: A}, {MAIN: B}, [(A, B, MAIN)]),
        ([(B, C, MAIN)], {MAIN: A}, {MAIN: C}, [(A, B, MAIN), (B, C, MAIN)]),
        ([], {MAIN: A}, {MAIN: C}, [(A, C, MAIN)]),
        ([], {}, {MAIN: C}, [(NONE, C, MAIN)]),
        ([], {MAIN: A}, {}, [(A, NONE, MAIN)]),
        # The push after this one is done, and its hook is still to come: then it has nothing to do.
        ([(A, B, MAIN)], {MAIN: A}, {MAIN: C}, [(A, B, MAIN), (B, C, MAIN)]),
        ([(B, C, MAIN)], {MAIN: C}, {MAIN: C}, []),
        # The hook of a later push was faster.
        ([(A, B, MAIN)], {MAIN: C}, {MAIN: C}, [(A, B, MAIN)]),
    ],
)
def test_what_has_moved_is_kept_once(told: Any, known: Any, now: Any, kept: Any) -> None:
    assert missed(told, known, now) == kept


def test_a_repository_that_steps_cannot_see_is_told_at_once(
    repositories: Repositories, listener: Listener
) -> None:
    assert hidden("/srv/git/wine.git") == hidden("ssh://git@host/tmp/wine.git") == ""
    assert "each step has a /tmp of its own" in hidden("file:///tmp/git/wine.git")
    said = repositories.install(listener.url)
    assert hidden(str(repositories.bare)) in said


def test_what_is_sent_again_has_the_same_delivery_id(
    repositories: Repositories, listener: Listener
) -> None:
    repositories.install(listener.url)
    repositories.push("First")
    (waiting,) = [repositories.bare / "mltk-hook" / "waiting"]
    assert not list(waiting.glob("*.json"))
    assert len(listener.got[0][0]["X-Github-Delivery"]) == 36


def test_a_hook_that_was_there_runs_first_and_comes_back(
    repositories: Repositories, listener: Listener, tmp_path: Path
) -> None:
    own = repositories.bare / "hooks/post-receive"
    own.write_text(f"#!/bin/sh\ncat > {tmp_path}/seen\n", encoding="utf-8")
    own.chmod(0o755)
    before = own.read_bytes()
    repositories.install(listener.url)
    repositories.install(listener.url)
    repositories.push("First")
    assert (tmp_path / "seen").read_text(encoding="utf-8").strip().endswith("refs/heads/main")
    assert len(listener.got) == 1
    repositories.mltk("uninstall", str(repositories.bare))
    assert own.read_bytes() == before
    assert sorted(each.name for each in (repositories.bare / "hooks").glob("post-receive*")) in (
        ["post-receive"],
        ["post-receive", "post-receive.sample"],
    )


def test_mistakes_are_told(repositories: Repositories) -> None:
    assert "no address of a listener" in repositories.install("listener:8080", code=2)
    repositories.secret.chmod(0o644)
    assert "chmod 600" in repositories.install("http://127.0.0.1:1/", code=3)
    assert "no hook of mltk's" in repositories.mltk("send", str(repositories.bare), code=5)
