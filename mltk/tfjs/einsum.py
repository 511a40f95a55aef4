"""How one matrix product computes an Einstein sum of two operands. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Product:
    """Transpose both operands, merge indices, multiply, and part and transpose back.

    `first` and `second` are the indices of the operands. Transposed, an operand is
    [batch..., rows..., inner...] or [batch..., inner..., columns...]; rows, columns and inner
    indices are then merged into one axis each.
    """

    first: str
    second: str
    batch: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    inner: tuple[str, ...]
    left_order: tuple[int, ...]
    right_order: tuple[int, ...]
    order: tuple[int, ...]


def as_product(equation: str) -> Product | None:
    """Plan an einsum; None for one that is no matrix product.

    That is one with an ellipsis, a repeated index, or an index that is summed in one operand only.
    """
    match = re.fullmatch(r"(\w+),(\w+)->(\w*)", equation)
    if match is None:
        return None
    first, second, result = match.groups()
    if any(len(set(labels)) < len(labels) for labels in (first, second, result)):
        return None
    batch = tuple(label for label in result if label in first and label in second)
    rows = tuple(label for label in result if label in first and label not in second)
    columns = tuple(label for label in result if label in second and label not in first)
    inner = tuple(label for label in first if label in second and label not in result)
    if len(batch) + len(rows) + len(inner) < len(first):
        return None
    if len(batch) + len(columns) + len(inner) < len(second):
        return None
    return Product(
        first,
        second,
        batch,
        rows,
        columns,
        inner,
        left_order=_places([*batch, *rows, *inner], first),
        right_order=_places([*batch, *inner, *columns], second),
        order=_places(result, "".join((*batch, *rows, *columns))),
    )


def _places(labels: Sequence[str], operand: str) -> tuple[int, ...]:
    return tuple(operand.index(label) for label in labels)
