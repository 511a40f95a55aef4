"""What the interceptor `github` asks of GitHub, and of which GitHub."""

from __future__ import annotations

import base64
import dataclasses
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from mltk.forges.calls import Answer, send
from mltk.forges.people import PUBLIC, GitHubPeople, connecting
from mltk.tekton.triggers.interceptors.owners import GitHub, check_owners
from mltk.tekton.triggers.interceptors.payloads import Repository, Submission
from tests.func.forges.conftest import TOKEN, Host

WINE = Repository("team", "wine")
FILES = "/repos/team/wine/pulls/7/files"
MEMBERS = "/orgs/team/public_members"
WRITERS = "/repos/team/wine/collaborators"
OWNERS = "/repos/team/wine/contents/OWNERS"
SERVER = "git.example.org"

Connected = Callable[[str], GitHub]


@pytest.fixture
def connected(host: Host) -> Connected:
    """GitHub at a host, where github.com and `SERVER` are in truth the one of this machine."""
    addresses = {f"https://{SERVER}/": f"{host.url}/", "https://api.github.com/": f"{host.url}/"}

    def redirected(request: urllib.request.Request) -> Answer:
        for address, ours in addresses.items():
            if request.full_url.startswith(address):
                request.full_url = request.full_url.replace(address, ours, 1)
                return send(request)
        raise AssertionError(f"{request.full_url} was asked")

    def connect(at: str) -> GitHub:
        found = connecting((PUBLIC, SERVER), send=redirected)(at, TOKEN)
        assert isinstance(found, GitHubPeople)
        patient = dataclasses.replace(found.calls, sleep=lambda _: None)
        return dataclasses.replace(found, calls=patient)

    return connect


@pytest.fixture(params=["", SERVER])
def github(request: pytest.FixtureRequest, connected: Connected) -> GitHub:
    return connected(request.param)


def file(text: str) -> dict[str, Any]:
    # GitHub breaks its lines.
    content = base64.encodebytes(text.encode()).decode()
    return {"type": "file", "encoding": "base64", "content": content}


def sender(name: str) -> Submission:
    return Submission(WINE, 7, name, "")


def test_all_files_of_a_large_pull_request_are_found(github: GitHub, host: Host) -> None:
    names = [f"data/{number}.dvc" for number in range(250)]
    host.people[FILES] = [{"filename": name} for name in names]
    assert github.changed_files(WINE, 7) == names
    assert len(host.seen) == 3


def test_a_page_that_is_just_full_is_not_taken_for_the_last(github: GitHub, host: Host) -> None:
    host.people[MEMBERS] = [{"login": f"member-{number}"} for number in range(200)]
    assert len(github.organization_members("team")) == 200
    assert len(host.seen) == 3


def test_a_file_that_was_renamed_counts_by_its_new_name(github: GitHub, host: Host) -> None:
    host.people[FILES] = [{"filename": "new.csv", "previous_filename": "old.csv"}]
    assert github.changed_files(WINE, 7) == ["new.csv"]


def test_members_writers_and_owners_may(github: GitHub, host: Host) -> None:
    host.people[MEMBERS] = [{"login": "member"}]
    host.people[WRITERS] = [{"login": "writer"}]
    host.people[OWNERS] = file("approvers: [Approver]\nreviewers:\n- ärmel\n")

    def may(name: str, kind: str) -> bool:
        return check_owners(github, sender(name), kind, pull_request=True)

    assert may("member", "orgMembers")
    assert may("writer", "repoMembers")
    assert may("writer", "all")
    assert not may("writer", "orgMembers")
    assert all(may(name, "none") for name in ("approver", "ärmel"))
    assert not may("stranger", "all")


def test_somebody_who_was_renamed_is_known_by_the_new_name_alone(
    github: GitHub, host: Host
) -> None:
    """Whoever takes the name that became free is somebody else, until OWNERS is changed."""
    host.people[MEMBERS] = [{"login": "new-name"}]
    host.people[WRITERS] = []
    assert check_owners(github, sender("new-name"), "all", pull_request=True)
    assert not check_owners(github, sender("old-name"), "all", pull_request=True)


def test_what_is_not_there_lets_nobody_in(github: GitHub, host: Host) -> None:
    """A user has no members, and a repository need not have OWNERS: GitHub answers with 404."""
    assert github.organization_members("team") == []
    assert github.collaborators(WINE) == []
    assert github.owners_file(WINE) is None
    assert not check_owners(github, sender("anybody"), "all", pull_request=True)


@pytest.mark.parametrize(
    "held",
    [
        [{"type": "file", "name": "a-file-of-a-folder"}],
        {"type": "file", "encoding": "none", "content": "", "size": 2_000_000},
    ],
)
def test_an_owners_file_that_cannot_be_read_is_told(github: GitHub, host: Host, held: Any) -> None:
    host.people[OWNERS] = held
    with pytest.raises(ValueError, match="OWNERS is no file of at most 1 MB"):
        github.owners_file(WINE)


def test_a_repository_that_was_renamed_is_told_and_the_token_stays(
    github: GitHub, host: Host
) -> None:
    host.trouble = [(301, {"Location": f"{host.url}/elsewhere"})]
    with pytest.raises(ValueError, match="answers 301: its API has moved"):
        github.changed_files(WINE, 7)
    assert not any("elsewhere" in each for each in host.seen)


def test_a_github_that_does_not_answer_is_told(github: GitHub, host: Host) -> None:
    host.trouble = [(503, {})] * 20
    with pytest.raises(ValueError, match="the git host answers 503"):
        github.collaborators(WINE)


@pytest.mark.parametrize("at", ["evil.example", "git.example.org.evil.example", "evil.example/?"])
def test_only_hosts_that_are_allowed_are_asked(at: str, connected: Connected) -> None:
    with pytest.raises(ValueError, match=r"only git.example.org, github.com may be asked"):
        connected(at)


def test_without_a_host_it_is_github_com_and_that_may_be_forbidden() -> None:
    with pytest.raises(ValueError, match=r"'github.com', and only git.example.org may be asked"):
        connecting((SERVER,))("", TOKEN)


def test_hosts_have_no_case(connected: Connected, host: Host) -> None:
    host.people[MEMBERS] = [{"login": "member"}]
    assert connected("GitHub.com").organization_members("team") == ["member"]
