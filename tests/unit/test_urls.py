"""What may be shown of a URL."""

from __future__ import annotations

import pytest

from mltk.urls import is_this_machine, with_user_alone, without_password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://token@host/r.git", "https://host/r.git"),
        ("https://ada:s@cret@host/r.git", "https://host/r.git"),
        ("cannot read https://ada:secret@host/x.git: no", "cannot read https://host/x.git: no"),
        ("postgresql://me:secret@host:5432/db", "postgresql://host:5432/db"),
        ("https://host/path@1?to=a@b", "https://host/path@1?to=a@b"),
        ("sqlite:////a/path@b", "sqlite:////a/path@b"),
        ("/a/path@b", "/a/path@b"),
    ],
)
def test_passwords_are_cut_out(text: str, shown: str) -> None:
    assert without_password(text) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ssh://git:s@cret@host:22/r.git", "ssh://git@host:22/r.git"),
        ("ssh://git@host:22/r.git", "ssh://git@host:22/r.git"),
        ("ssh://host:22/r:a@1.git", "ssh://host:22/r:a@1.git"),
        ("git@host:r.git", "git@host:r.git"),
    ],
)
def test_the_user_of_an_address_stays(url: str, shown: str) -> None:
    assert with_user_alone(url) == shown


def test_hosts_of_this_machine() -> None:
    own = ("localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1.2.3", "0.0.0.0", "::1")
    assert all(map(is_this_machine, own))
    assert not any(map(is_this_machine, ("mltk-mlflow", "localhost.example.org", "10.0.0.1")))
