"""Amounts of resources."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.tekton.quantities import Quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("1", 1, "1"),
        ("0", 0, "0"),
        ("1000m", 1, "1"),
        ("0.5", Fraction(1, 2), "500m"),
        ("1500m", Fraction(3, 2), "1500m"),
        ("1024Mi", 2**30, "1Gi"),
        ("1.5Gi", 3 * 2**29, "1536Mi"),
        ("0.5Ki", 512, "512"),
        ("2000", 2000, "2k"),
        ("1e3", 1000, "1e3"),
        ("12E-3", Fraction(12, 1000), "12e-3"),
        ("-3k", -3000, "-3k"),
        ("+.1G", 10**8, "100M"),
    ],
)
def test_amounts_as_kubernetes_reads_and_writes_them(
    text: str, value: Fraction | int, written: str
) -> None:
    found = parse_quantity(text)
    assert (found.value, str(found)) == (value, written)


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1gi", "1Kib", "--1", "1e", "e3"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_quantity(text)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["", "m", "Ki", "Mi", "k", "M"]))
def test_what_is_written_reads_as_the_same(number: int, unit: str) -> None:
    quantity = parse_quantity(f"{number}{unit}")
    assert parse_quantity(str(quantity)).value == quantity.value
    assert isinstance(quantity, Quantity)
