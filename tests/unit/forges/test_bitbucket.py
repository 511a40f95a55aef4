"""The marks of a comment, as Bitbucket Server does not show them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mltk.forges.bitbucket import hidden, shown
from mltk.forges.discussion import plain, written

_NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
_TEXTS = st.text(st.characters(exclude_characters="\r"), max_size=60).map(plain).map(str.strip)


@given(st.dictionaries(_NAMES, _TEXTS, max_size=4))
def test_a_comment_is_read_as_it_was_written(sections: dict[str, str]) -> None:
    text = written(sections)
    sent = hidden(text)
    assert "<!--" not in sent
    assert shown(sent) == shown(sent.replace("\n", "\r\n")) == text


def test_a_mark_is_a_paragraph_of_its_own() -> None:
    """Within one, a link that nothing refers to is text."""
    lines = hidden(written({"wine": "passed"})).split("\n")
    marks = [number for number, line in enumerate(lines) if line.startswith("[//]")]
    assert len(marks) == 3
    assert all(not "".join(lines[at - 1 : at] if at else []) for at in marks)
