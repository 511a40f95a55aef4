"""Events come in over HTTP, are kept, and make what the Triggers say."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from mltk.local.backend import LocalBackend
from mltk.tekton.objects import Obj, reason
from tests.func.local.conftest import ends

from .conftest import (
    HOOK,
    MLTK,
    SECRET,
    SIGNED,
    Listening,
    apply,
    listener,
    listening,
    of,
    push,
    signed,
)


def event_of(run: Obj) -> str:
    """The event that has made a run."""
    return str(run["metadata"]["labels"]["triggers.tekton.dev/triggers-eventid"])


def test_a_signed_push_is_run_and_others_are_not(folder: Path) -> None:
    with listening(folder) as ear:
        body, other = push("b" * 40), push(ref="refs/heads/other")
        event_id = ear.send(body, signed(body)).event_id
        for content, header in ((other, signed(other)), (body, {"X-GitHub-Event": "push"})):
            ear.send(content, header)
        ear.settled()
        (run,) = ear.runs()
        assert event_of(run) == event_id
        ear.wait(lambda: reason(ear.runs()[0]) == "Succeeded")
    said = ear.log.read_text()
    assert f"created TaskRun/{run['metadata']['name']} eventID={event_id}" in said
    assert "did not return true" in said
    assert "no X-Hub-Signature-256 header set" in said


def test_each_of_several_event_listeners_has_a_path(folder: Path) -> None:
    apply(folder, listener(of("body.after != ''"), name="plain"))
    with listening(folder, "--no-run") as ear:
        body = push()
        assert ear.send(body).code == 404
        assert ear.send(body, path="/default/other").code == 404
        plain = ear.send(body, path="/default/plain/any/path?x=1").event_id
        github = ear.send(body, signed(body), path="/default/github").event_id
        ear.settled()
        assert len(ear.runs(plain)) == len(ear.runs(github)) == 1


def test_what_is_no_event_is_told_so(folder: Path) -> None:
    with listening(folder, "--no-run", "--max-body", "1") as ear:
        assert ear.send(b"{nope").code == 400
        assert b"errorMessage" in ear.send(b"[1]").body
        large = b'{"a": "' + b"x" * (1 << 20) + b'"}'
        assert ear.send(large).code == 413
        connection = http.client.HTTPConnection("127.0.0.1", ear.port)
        connection.request("POST", "/", iter([large[:1000], large[1000:]]), encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert ear.send(b"", path="/live", method="GET").code == 200
        assert not ear.rows("waiting")
        assert not ear.rows("done")


def test_more_events_than_may_wait_are_to_come_again(folder: Path) -> None:
    with listening(folder, "--no-run", "--queue", "1") as ear:
        body = push()
        (worker,) = ear.workers()
        os.kill(worker, signal.SIGSTOP)
        first = ear.send(body, signed(body)).event_id
        refused = ear.send(body, signed(body))
        assert (refused.code, refused.header["retry-after"]) == (429, "1")
        os.kill(worker, signal.SIGCONT)
        ear.settled()
        assert len(ear.runs(first)) == 1
        assert ear.send(body, signed(body)).code == 202


def test_a_delivery_that_comes_again_makes_nothing_new(folder: Path) -> None:
    with listening(folder, "--no-run") as ear:
        body = push()
        first = ear.send(body, signed(body, "d-1")).event_id
        assert ear.send(body, signed(body, "d-1")).event_id == first
        ear.settled()
        assert ear.send(body, signed(body, "d-1")).event_id == first
        assert ear.send(body, signed(body, "d-2")).event_id != first
        ear.settled()
        assert len(ear.runs()) == 2


def test_nobody_can_take_the_place_of_a_delivery(folder: Path) -> None:
    """Who cannot sign may know the id of a delivery that is to come."""
    with listening(folder, "--no-run") as ear:
        body = push()
        false = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "d-1"}
        forged = {**false, "X-Hub-Signature-256": "sha256=" + "0" * 64}
        told = [ear.send(body, header).event_id for header in (false, forged)]
        true = ear.send(body, signed(body, "d-1")).event_id
        ear.settled()
        assert true not in told
        assert len(ear.runs(true)) == len(ear.runs()) == 1


def test_a_delivery_of_which_nothing_came_is_looked_at_again(tmp_path: Path) -> None:
    """GitHub offers to send it once more, when what was missing is there."""
    (tmp_path / ".mltk").mkdir()
    apply(tmp_path, listener(SIGNED))
    with listening(tmp_path, "--no-run") as ear:
        body = push()
        first = ear.send(body, signed(body, "d-1")).event_id
        ear.settled()
        assert not ear.runs()
        assert 'secrets "hook" not found' in ear.log.read_text()
        apply(tmp_path, HOOK)
        second = ear.send(body, signed(body, "d-1")).event_id
        ear.settled()
        assert second != first
        assert len(ear.runs(second)) == 1


def test_what_an_event_listener_lacks_is_said_when_it_is_applied_and_at_the_start(
    tmp_path: Path,
) -> None:
    (tmp_path / ".mltk").mkdir()
    lacking = listener(SIGNED, of("body.ref =="))
    lacking["spec"]["triggers"][0] |= {"bindings": [{"ref": "gone"}], "template": {"ref": "away"}}
    said = apply(tmp_path, lacking)
    with listening(tmp_path, "--no-run") as ear:
        pass
    for text in (said, ear.log.read_text()):
        assert "there is no TriggerBinding gone" in text
        assert "there is no TriggerTemplate away" in text
        assert "1:12" in text  # where the expression ends too early
    assert 'triggers[0].interceptors[0].params: secrets "hook" not found; add a Secret' in said
    assert "1 trigger takes nothing until its Secret is there: hook" in ear.log.read_text()


def test_secrets_of_hosts_that_nobody_uses_are_one_line(tmp_path: Path) -> None:
    (tmp_path / ".mltk").mkdir()
    (tmp_path / "mltk.yaml").write_text("project: cellar\nmodels: {}\n", encoding="utf-8")
    with listening(tmp_path, "--no-run") as ear:
        pass
    said = [line for line in ear.log.read_text().splitlines() if "Secret" in line]
    (line,) = said
    assert line.startswith("warning: EventListener mltk: 13 triggers take nothing until")
    assert line.endswith(": mltk-bitbucket, mltk-git, mltk-gitea, mltk-github, mltk-gitlab")


def test_a_secret_that_cannot_be_read_is_one_without_the_key(tmp_path: Path) -> None:
    (tmp_path / ".mltk").mkdir()
    broken = {**HOOK, "stringData": {}, "data": {"token": "not base64!"}}
    said = apply(tmp_path, listener(SIGNED), broken)
    assert "cannot find token key in secret default/hook" in said


def test_an_accepted_event_outlives_a_kill(folder: Path) -> None:
    """Whenever the listener is killed, each event that had its answer makes one run."""
    answered: list[str] = []
    with listening(folder, "--no-run") as ear:
        for _ in range(6):
            senders = [threading.Thread(target=_storm, args=(ear, answered)) for _ in range(4)]
            for sender in senders:
                sender.start()
            before = len(answered)
            ear.wait(lambda before=before: len(answered) > before + 25)
            ear.kill()
            for sender in senders:
                sender.join()
            ear.start()
        ear.settled()
        made = [event_of(run) for run in ear.runs()]
    assert len(answered) > 150
    assert set(answered) <= set(made)
    assert len(made) == len(set(made))


def _storm(ear: Listening, answered: list[str]) -> None:
    """Send events until nobody answers."""
    body = push()
    try:
        while True:
            answered.append(ear.send(body, signed(body)).event_id)
    except (OSError, http.client.HTTPException):
        return


def test_a_process_that_is_killed_loses_no_event(folder: Path) -> None:
    with listening(folder, "--no-run") as ear:
        body = push()
        told = []
        for _ in range(5):
            told += [ear.send(body, signed(body)).event_id for _ in range(20)]
            for worker in ear.workers():
                os.kill(worker, signal.SIGKILL)
        ear.settled()
        made = [event_of(run) for run in ear.runs()]
        assert sorted(made) == sorted(told)
        assert not ear.rows("parked")


def test_it_ends_in_order_and_leaves_what_waits_to_the_next(folder: Path) -> None:
    with listening(folder, "--no-run") as ear:
        body = push()
        told = []
        for number in (signal.SIGTERM, signal.SIGKILL):
            (worker,) = ear.workers()
            os.kill(worker, signal.SIGSTOP)
            told += [ear.send(body, signed(body)).event_id for _ in range(3)]
            assert ear.kill(number) == (0 if number == signal.SIGTERM else -number)
            assert ends(worker)
            assert len(ear.rows("waiting")) == 3
            ear.start()
            ear.settled()
        ear.settled()
        assert all(len(ear.runs(each)) == 1 for each in told)


def test_a_second_listener_is_told_of_the_first(folder: Path) -> None:
    with listening(folder, "--no-run") as ear:
        assert ear.process is not None
        again = subprocess.run(
            [MLTK, "listen", "--no-run", "--port", "0"], cwd=folder, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert again.returncode == 5
        assert f"process {ear.process.pid} listens for this folder already" in again.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--tls-cert", "c.pem"], 2, "go together"),
        (["other"], 5, "there is no EventListener 'other' in namespace 'default'"),
        (["--no-run", "--jobs", "2"], 2, "--no-run leaves to others"),
    ],
)
def test_options_that_make_no_sense(folder: Path, words: list[str], code: int, said: str) -> None:
    (folder / "c.pem").write_text("")
    done = subprocess.run(
        [MLTK, "listen", "--port", "0", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_metrics_and_logs_for_machines(folder: Path) -> None:
    with listening(folder, "--no-run", "--metrics-port", "0", "--log-format", "json") as ear:
        body = push()
        told = ear.send(body, signed(body)).event_id
        ear.send(b"{")
        ear.settled()
        port = int(ear.log.read_text().partition("metrics at http://127.0.0.1:")[2].split("/")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
    lines = [json.loads(line) for line in ear.log.read_text().splitlines() if line[:1] == "{"]
    assert {line["eventID"] for line in lines} == {told}
    assert any(line["message"].startswith("created TaskRun/push-") for line in lines)
    for line in (
        'eventlistener_http_responses_total{code="202"} 1.0',
        'eventlistener_http_responses_total{code="400"} 1.0',
        'eventlistener_triggered_resources_total{kind="TaskRun"} 1.0',
        "eventlistener_events_waiting 0.0",
    ):
        assert line in text.splitlines()


def test_old_events_are_forgotten(folder: Path) -> None:
    with listening(folder, "--no-run") as ear:
        body = push()
        ear.send(body, signed(body))
        ear.settled()
    with LocalBackend(folder / ".mltk") as backend, backend.store.transaction() as connection:
        connection.execute("UPDATE events SET received=received-8*86400")
    with listening(folder, "--no-run") as ear:
        ear.wait(lambda: not ear.rows("done"))


def test_a_sender_that_knows_the_token_is_told_that_its_events_are_welcome(tmp_path: Path) -> None:
    door = listener(SIGNED)
    door["metadata"]["annotations"] = {"mltk.dev/handshake": "hook/token"}
    (tmp_path / ".mltk").mkdir()
    apply(tmp_path, door, HOOK)
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    known = {"Authorization": f"Bearer {SECRET.decode()}"}
    kind = "Microsoft.EventGrid.SubscriptionValidationEvent"
    body = json.dumps({"eventType": kind, "data": {"validationCode": "c0de"}}).encode()
    validation = {"Aeg-Event-Type": "SubscriptionValidation"}
    with listening(tmp_path, "--no-run") as ear:
        allowed = ear.send(b"", {**asked, **known}, method="OPTIONS")
        assert (allowed.code, allowed.header["webhook-allowed-origin"]) == (
            200,
            "eventgrid.azure.net",
        )
        refused = ear.send(b"", asked, method="OPTIONS")
        assert refused.code == 403
        assert "webhook-allowed-origin" not in refused.header
        told = ear.send(body, {**validation, **known})
        assert (told.code, json.loads(told.body)) == (200, {"validationResponse": "c0de"})
        assert ear.send(body, validation, path=f"/?token={SECRET.decode()}").code == 200
        assert ear.send(body, validation).code == 403
        # Nothing of it is kept: it is no event.
        assert not ear.rows("waiting")
        assert not ear.rows("done")
        assert SECRET.decode() not in ear.log.read_text()


def test_a_handshake_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    door = listener(SIGNED)
    door["metadata"]["annotations"] = {"mltk.dev/handshake": "hook"}
    (tmp_path / ".mltk").mkdir()
    assert "mltk.dev/handshake: 'hook' is no SECRET/KEY" in apply(tmp_path, HOOK, door)
