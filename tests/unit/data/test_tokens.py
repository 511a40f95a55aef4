"""Texts as numbers of words; that JavaScript reads every character alike is in test_rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.tokens import bucket, numbered, words
from mltk.project.features import Text


def text(**said: Any) -> Text:
    return Text.model_validate({"name": "t", "type": "text", "length": 4, **said})


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("A great, GREAT day!", ["a", "great", "great", "day"]),
        ("don't x_y 3.5", ["don", "t", "x", "y", "3", "5"]),
        ("Straße \ufb01ne \uff11\uff12 e\u0301t\u00e9", ["straße", "fine", "12", "été"]),
        ("ΟΔΟΣ हिन्दी 😀", ["οδοσ", "हिन्दी"]),
        (" \u200b… ", []),
    ],
)
def test_words_are_letters_marks_and_digits_in_lower_case(said: str, found: list[str]) -> None:
    assert words(said) == found


def test_the_hash_is_that_of_its_authors() -> None:
    # Test vectors of FNV-1a, 32 bits: "a" and "foobar".
    assert bucket("a", 2**32) == 1 + 0xE40C292C
    assert bucket("foobar", 2**32) == 1 + 0xBF9CF968


@pytest.mark.parametrize(
    "said", ["ΟΔΟΣ", "\u00c9T\u00c9", "E\u0301TE\u0301", "J\u030c", "ПРИВЕТ", "\uff21\uff22"]
)
def test_a_text_in_capitals_is_the_same_text(said: str) -> None:
    assert words(said) == words(said.lower())


@given(st.text())
def test_words_are_words_again(said: str) -> None:
    assert words(" ".join(words(said))) == words(said)


def test_the_first_words_count_and_zero_is_none() -> None:
    found, findings = numbered(text(), ["one two", "1 2 3 4 5", "!"], [2, 3, 4])
    assert findings == []
    assert (found > 0).sum(axis=1).tolist() == [2, 4, 0]
    assert found[0, 0] == bucket("one", 2048) <= 2048


def test_only_a_blank_text_is_missing() -> None:
    cells = ["none", "-", " \t", "n/a"]
    found, findings = numbered(text(missing="empty"), cells, [2, 3, 4, 5])
    assert (findings, np.isnan(found).any(axis=1).tolist()) == ([], [False, False, True, False])
    _, (finding,) = numbered(text(), cells, [2, 3, 4, 5])
    assert (finding.message, finding.line) == ("the value is missing", 4)
    _, (finding,) = numbered(text(missing="empty"), ["", ""], [2, 3])
    assert finding.message == "the column has no value in any row"
