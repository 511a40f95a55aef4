"""Amounts of resources as Kubernetes writes them: ``500m``, ``1.5Gi``, ``1e3``.

Rules: ``k8s.io/apimachinery/pkg/api/resource``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_QUANTITY = re.compile(
    r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d+))?"
)
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")  # from 10^-9 on, by thousands
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_SMALLEST = -9


@dataclass(frozen=True, order=True)
class Quantity:
    """An amount; `str` writes it in the one form that Kubernetes has for it."""

    value: Fraction
    family: str = "decimal"  # or binary, exponent: how it was written

    def __str__(self) -> str:
        if self.family == "binary" and abs(self.value) >= 1024 and self.value.denominator == 1:
            steps = _factors(int(self.value), 1024, len(_BINARY) - 1)
            return f"{int(self.value) // 1024**steps}{_BINARY[steps]}"
        units = self.value * 10**-_SMALLEST
        whole = -(-units.numerator // units.denominator)  # less than a billionth counts as one
        limit = len(_DECIMAL) - 1
        steps = _factors(whole, 1000, limit) if whole else -_SMALLEST // 3
        number, exponent = whole // 1000**steps, _SMALLEST + 3 * steps
        if self.family == "exponent":
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL[steps]}"


def parse_quantity(text: str) -> Quantity:
    """Read an amount; ValueError for what is none."""
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is not an amount such as 500m, 2 or 1Gi")
    number = Fraction(found[1])
    if found[2]:
        return Quantity(number * 1024 ** _BINARY.index(found[2]), "binary")
    if found[4]:
        return Quantity(number * Fraction(10) ** int(found[4]), "exponent")
    power = _SMALLEST + 3 * _DECIMAL.index(found[3] or "")
    return Quantity(number * Fraction(10) ** power)


def _factors(number: int, base: int, limit: int) -> int:
    """How often a number can be divided by `base` without a rest."""
    count = 0
    while count < limit and number and number % base == 0:
        number, count = number // base, count + 1
    return count
