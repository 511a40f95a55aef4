"""One comment of ours on a pull request, with a section for each model, written anew each time.

Runs of several models end at the same moment, and no host can change a comment only if it is still
as it was read. So who has written looks whether its section is there, and writes again if not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mltk.forges.forge import Comment, Forge

_MARK = "<!-- mltk -->"
_SECTION = re.compile(
    r"<!-- mltk:(?P<name>[-a-z0-9]+) -->\n(?P<text>.*?)\n<!-- /mltk:(?P=name) -->", re.DOTALL
)
_TRIES = 8
_LONGEST = 4_000  # of a section; GitHub takes comments of 65,536


def say(forge: Forge, pull_request: int, name: str, text: str) -> None:
    """Make the section `name` of our comment say `text`; errors are those of the host.

    `name` is a DNS label. A comment that is not there yet is added; of two that were added at the
    same moment the later one goes.
    """
    text = text.strip()[:_LONGEST]
    for _ in range(_TRIES):
        ours = _ours(forge.comments(pull_request))
        # The oldest comment wins, and what others have said beside it is kept.
        known = {at: said for each in reversed(ours) for at, said in _sections(each.text).items()}
        wanted = {**known, name: text}
        if not ours:
            forge.add_comment(pull_request, written(wanted))
        elif _sections(ours[0].text) != wanted:
            forge.change_comment(pull_request, ours[0].number, written(wanted))
        else:
            for each in ours[1:]:
                forge.remove_comment(pull_request, each.number)
            return


def written(sections: dict[str, str]) -> str:
    """The comment with these sections, in the order of their names."""
    parts = [
        f"<!-- mltk:{name} -->\n{text}\n<!-- /mltk:{name} -->"
        for name, text in sorted(sections.items())
    ]
    return "\n\n".join([_MARK, *parts])


def plain(text: str) -> str:
    """`text` of a project so that a comment mentions nobody and holds no HTML and no mark."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("@", "@\N{ZERO WIDTH SPACE}")


def _sections(text: str) -> dict[str, str]:
    # Hosts may give lines back with carriage returns.
    plainly = text.replace("\r\n", "\n")
    return {found["name"]: found["text"] for found in _SECTION.finditer(plainly)}


def _ours(comments: Sequence[Comment]) -> list[Comment]:
    return sorted(
        (each for each in comments if each.text.startswith(_MARK)), key=lambda each: each.number
    )
