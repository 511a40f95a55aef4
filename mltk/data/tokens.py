"""Texts as a model reads them: the numbers of their first words.

A word is a run of letters, marks and digits of Unicode, in NFKC before and after each character of
it was put into lower case by itself; a final sigma is a sigma. Its number is 1 + FNV-1a (32 bit, of
its UTF-8) modulo the buckets: no vocabulary has to be learnt, kept or published. 0 is no word.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.data.arrays import Floats
from mltk.data.findings import Finding
from mltk.data.missing import COMPLAINT

if TYPE_CHECKING:
    from mltk.project.features import Text

BLANKS = " \t\r\n"
"""A text of nothing else is missing; `none` or `-` is a text."""


class _Folded(dict[int, str]):
    """What becomes of each character, found once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kept = unicodedata.category(character)[0] in "LMN"
        self[code] = character.lower().replace("\u03c2", "\u03c3") if kept else " "
        return self[code]


_FOLDED = _Folded()


def words(text: str) -> list[str]:
    """Split a text into its words."""
    folded = unicodedata.normalize("NFKC", text).translate(_FOLDED)
    return unicodedata.normalize("NFKC", folded).split()


@functools.lru_cache(maxsize=200_000)
def bucket(word: str, buckets: int) -> int:
    """Give the number of a word, from 1 to `buckets`.

    G. Fowler, L. Noll, K. Vo, FNV-1a (RFC 9923): offset basis 2166136261, prime 16777619.
    """
    found = 0x811C9DC5
    for byte in word.encode():
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return 1 + found % buckets


def numbered(
    feature: Text, cells: Sequence[str], lines: Sequence[int]
) -> tuple[Floats, list[Finding]]:
    """Number the words of each text, float64 [n, length]; NaN where one is missing."""
    found = np.zeros((len(cells), feature.length))
    missing = [row for row, cell in enumerate(cells) if not cell.strip(BLANKS)]
    for row, cell in enumerate(cells):
        first = words(cell)[: feature.length]
        found[row, : len(first)] = [bucket(word, feature.buckets) for word in first]
    found[missing] = np.nan
    if len(missing) == len(cells):
        hint = f"remove '{feature.name}' from mltk.yaml, or bring a table that has it"
        return found, [
            Finding("the column has no value in any row", column=feature.name, hint=hint)
        ]
    refused = missing if feature.missing == "error" else []
    return found, [Finding(COMPLAINT, lines[row], feature.name) for row in refused]
