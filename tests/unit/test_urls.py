"""What may be shown of a URL."""

from __future__ import annotations

import pytest

from mltk.urls import without_password


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
