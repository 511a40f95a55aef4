from __future__ import annotations

import html.parser
import re
from typing import Any

import numpy as np
import pytest

from mltk.data.quality import page
from mltk.data.quality.drift import drift
from mltk.data.quality.found import DataChecks, Leak, Violation
from mltk.data.quality.profile import profile
from mltk.data.rows import Table
from mltk.project.spec import Model
from tests.unit.data.quality.tables import drawn, spec

HOSTILE = "<script>alert(1)</script>|\n# [x](javascript:1) \"'&"
HEADING = page.Heading("plane", "plane-1", "md5:0")


def renamed(name: str) -> tuple[Table, Model]:
    """A table with a name for a column and for a value that means harm."""
    rows = drawn(80, 1)
    asked = spec().model_dump()
    asked["features"][0]["name"] = name
    asked["features"][1]["values"] = [name, "green", "blue"]
    return Table(**{**vars(rows), "names": (name, "colour")}), Model.model_validate(asked)


class Tags(html.parser.HTMLParser):
    """Every tag and attribute of a page, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


@pytest.fixture
def said() -> tuple[Any, ...]:
    rows, asked = renamed(HOSTILE)
    now = profile(rows, asked)
    checks = DataChecks(
        schema=HOSTILE,
        violations=(Violation(HOSTILE, HOSTILE, HOSTILE, 2, 3),),
        leaks=(Leak("duplicates", "train/holdout", 1, HOSTILE, (3, 4), HOSTILE),),
        champion="1",
        shifts=drift(now, now, alpha=0.01, effect=0.0)[0],
    )
    return HEADING, now, now, checks


def test_hostile_names_stay_text_in_html(said: tuple[Any, ...]) -> None:
    text = page.html(*said)
    tags = parsed(text)
    assert "script" not in tags.tags
    assert not any(name.startswith("on") for name in tags.attributes)
    assert tags.text.count("<script>alert(1)</script>") >= 5
    assert not {"src", "href", "style"} & tags.attributes


def test_hostile_names_stay_text_in_markdown(said: tuple[Any, ...]) -> None:
    text = page.markdown(*said)
    assert "<script" not in text
    assert "\n# [x]" not in text and r"\[x\](javascript:1)" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    # Six cells each, whatever is in them.
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {7}


def test_the_page_needs_nothing_else_and_follows_the_reader_to_the_dark() -> None:
    now = profile(drawn(300, 1), spec())
    text = page.html(HEADING, now, profile(drawn(300, 2, shift=1), spec()), DataChecks())
    assert "prefers-color-scheme: dark" in text
    assert text.count("<svg") == 3
    assert text.count('class="before"') == 3
    assert page.html(HEADING, now, None, None).count('class="before"') == 0


def test_a_drawing_shows_every_row_once() -> None:
    rows = drawn(300, 1)
    rows.features[:20, 0] = np.nan
    rows.features[20, 0] = 1e6
    for column in profile(rows, spec()).columns:
        found = page.svg.bars(column, None)
        assert sum(found.now) == pytest.approx(1)
        assert len(found.names) == len(found.now)


def test_the_same_tables_give_the_same_bytes(said: tuple[Any, ...]) -> None:
    assert page.html(*said) == page.html(*said)
    assert page.markdown(*said) == page.markdown(*said)
