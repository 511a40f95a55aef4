"""A status, and one comment, on GitHub, GitLab, Gitea and Bitbucket Server."""

from __future__ import annotations

import dataclasses
import urllib.request

import pytest

from mltk.errors import ConfigError, InfrastructureError
from mltk.forges.calls import Answer, send
from mltk.forges.discussion import say
from mltk.forges.forge import Comment, CommitStatus, Forge
from mltk.forges.opening import open_forge
from tests.func.forges.conftest import SHA, TOKEN, Host

PLACES = (
    "github:{}/team/wine",
    "github:https://github.com/team/wine",
    "gitlab:{}/team/ml/wine",
    "gitea:{}/team/wine",
    "bitbucket:{}/projects/TEAM/repos/wine",
)


@pytest.fixture(params=PLACES, ids=("github-server", "github", "gitlab", "gitea", "bitbucket"))
def forge(request: pytest.FixtureRequest, host: Host) -> Forge:
    return _open(request.param, host)


def _open(place: str, host: Host, token: str = TOKEN) -> Forge:
    environment = {"MLTK_FORGE_TOKEN": token}
    if "github.com" in place:
        environment["MLTK_FORGE_API"] = host.url
    found = open_forge(place.format(host.url), environment)
    assert found is not None
    calls = dataclasses.replace(found.calls, sleep=lambda _: None)  # type: ignore[attr-defined]
    return dataclasses.replace(found, calls=calls)  # type: ignore[type-var]


def test_a_status_goes_from_pending_to_its_end(forge: Forge, host: Host) -> None:
    forge.set_status(SHA, CommitStatus("mltk/wine", "pending", "run wine-1"))
    forge.set_status(SHA, CommitStatus("mltk/wine", "pending", "run wine-1"))  # a repeated Task
    forge.set_status(SHA, CommitStatus("mltk/wine", "failure", "x" * 1000, "https://a.example/1"))
    assert {each.get("context") or each["name"] for each in host.statuses} == {"mltk/wine"}
    assert host.statuses[0]["state"] in ("pending", "INPROGRESS")
    assert host.statuses[-1]["state"] in ("failure", "failed", "FAILED")
    assert host.statuses[-1]["description"].endswith("…")


def test_there_is_one_comment_with_a_section_for_each_model(forge: Forge, host: Host) -> None:
    host.comments = dict.fromkeys(range(1, 151), "of somebody")
    say(forge, 7, "wine", "rmse 0.7")
    say(forge, 7, "beer", "rmse 2")
    say(forge, 7, "wine", "rmse 0.6")
    (ours,) = [text for text in host.comments.values() if text != "of somebody"]
    assert "rmse 0.6" in ours
    assert "rmse 2" in ours
    assert "rmse 0.7" not in ours
    before = len(host.seen)
    say(forge, 7, "wine", "rmse 0.6")
    assert all(each.startswith("GET") for each in host.seen[before:])


def test_two_that_write_at_the_same_moment_lose_nothing(forge: Forge, host: Host) -> None:
    """Both find no comment and add one; then one overwrites what the other has said."""
    first = forge

    @dataclasses.dataclass
    class Overtaken:
        forge: Forge
        added: bool = False

        def add_comment(self, pull_request: int, text: str) -> Comment:
            if not self.added:
                self.added = True
                say(first, 7, "beer", "rmse 2")
            return self.forge.add_comment(pull_request, text)

        def __getattr__(self, name: str) -> object:
            return getattr(self.forge, name)

    say(Overtaken(first), 7, "wine", "rmse 0.6")  # type: ignore[arg-type]
    (ours,) = host.comments.values()
    assert "rmse 0.6" in ours
    assert "rmse 2" in ours


def test_who_is_overtaken_after_reading_a_comment_writes_again(host: Host) -> None:
    """Bitbucket Server takes no change of a comment that is not as it was read."""
    forge = _open(PLACES[-1], host)
    say(forge, 7, "wine", "rmse 0.7")
    behind: list[str] = ["beer"]

    def overtaken(request: urllib.request.Request) -> Answer:
        answer = send(request)
        if request.get_method() == "GET" and request.full_url.endswith("/comments/1") and behind:
            say(forge, 7, behind.pop(), "rmse 2")
        return answer

    calls = dataclasses.replace(forge.calls, send=overtaken)  # type: ignore[attr-defined]
    say(dataclasses.replace(forge, calls=calls), 7, "wine", "rmse 0.6")  # type: ignore[type-var]
    (ours,) = host.comments.values()
    assert "rmse 0.6" in ours
    assert "rmse 2" in ours


def test_a_host_that_is_busy_is_asked_again(forge: Forge, host: Host) -> None:
    host.trouble = [(502, {}), (429, {"Retry-After": "1"}), (403, {"X-RateLimit-Remaining": "0"})]
    forge.set_status(SHA, CommitStatus("mltk/wine", "success", "passed"))
    assert len(host.statuses) == 1


def test_a_host_that_stays_away_is_an_error_of_the_infrastructure(forge: Forge, host: Host) -> None:
    host.trouble = [(503, {})] * 20
    with pytest.raises(InfrastructureError, match="the git host answers 503: as the test asks"):
        forge.set_status(SHA, CommitStatus("mltk/wine", "success", "passed"))


@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_token_is_told_with_the_scope_that_is_needed(place: str, host: Host) -> None:
    forge = _open(place, host, token="wrong")
    with pytest.raises(ConfigError, match="does not know the token") as caught:
        forge.set_status(SHA, CommitStatus("mltk/wine", "success", "passed"))
    assert "MLTK_FORGE_TOKEN; it needs" in str(caught.value.hint)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(("code", "words"), [(403, "may not do that"), (404, "no such thing")])
def test_what_the_token_may_not_is_told(forge: Forge, host: Host, code: int, words: str) -> None:
    host.trouble = [(code, {})]
    with pytest.raises(ConfigError, match=words):
        forge.set_status(SHA, CommitStatus("mltk/wine", "success", "passed"))


def test_a_token_is_not_sent_on_to_another_address(forge: Forge, host: Host) -> None:
    host.trouble = [(302, {"Location": f"{host.url}/elsewhere"})]
    with pytest.raises(ConfigError, match="its API has moved"):
        forge.set_status(SHA, CommitStatus("mltk/wine", "success", "passed"))
    assert not any("elsewhere" in each for each in host.seen)


def test_without_a_token_or_a_host_nobody_is_told() -> None:
    assert open_forge("gitea:https://git.example.org/team/wine", {}) is None
    assert open_forge("", {"MLTK_FORGE_TOKEN": TOKEN}) is None
