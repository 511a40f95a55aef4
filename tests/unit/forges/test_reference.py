"""Which repository of which host is meant."""

from __future__ import annotations

import pytest

from mltk.errors import ConfigError
from mltk.forges.discussion import plain
from mltk.forges.reference import parse


@pytest.mark.parametrize(
    ("text", "api", "path"),
    [
        ("github:https://github.com/octo/wine", "https://api.github.com", "octo/wine"),
        ("github:https://ghe.example.org/octo/wine", "https://ghe.example.org/api/v3", "octo/wine"),
        ("gitlab:https://gitlab.com/a/b/wine", "https://gitlab.com/api/v4", "a%2Fb%2Fwine"),
        ("gitea:https://example.org/git/a/wine.git", "https://example.org/git/api/v1", "a/wine"),
        ("bitbucket:https://b.example/projects/T/repos/w", "https://b.example/rest/api/1.0", "T/w"),
        ("bitbucket:https://b.example/scm/T/w.git", "https://b.example/rest/api/1.0", "T/w"),
        (
            "bitbucket:https://b.example/x/users/me/repos/w",
            "https://b.example/x/rest/api/1.0",
            "~me/w",
        ),
        ("gitea:http://me:pw@localhost:3000/a/wine/", "http://localhost:3000/api/v1", "a/wine"),
    ],
)
def test_the_api_follows_from_the_page_of_the_repository(text: str, api: str, path: str) -> None:
    found = parse(text)
    assert (found.api, found.quoted) == (api, path)


@pytest.mark.parametrize(
    "text",
    [
        "githib:https://github.com/a/b",
        "github",
        "github:a/b",
        "gitea:https://x.example/a",
        "bitbucket:https://b.example/T/w",
    ],
)
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no"):
        parse(text)


def test_what_a_project_says_mentions_nobody_and_is_no_html() -> None:
    assert "@team" not in plain("@team <!-- mltk:wine --> <b>")
    assert "<" not in plain("<!-- mltk:wine -->")
