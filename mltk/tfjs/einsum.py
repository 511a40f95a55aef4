"""How one matrix product computes an Einstein sum of two operands. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

Shape = tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Product:
    """Transpose and reshape both operands, multiply, reshape and transpose back.

    After the reshape an operand is [batch..., rows, inner] or [batch..., inner, columns]. A size
    of -1 stands for what is open, as in Reshape.
    """

    left_order: tuple[int, ...]
    left_shape: tuple[int, ...]
    right_order: tuple[int, ...]
    right_shape: tuple[int, ...]
    shape: tuple[int, ...]
    order: tuple[int, ...]


def as_product(equation: str, left: Shape, right: Shape) -> Product | None:
    """Plan an einsum of operands with such shapes; None for one that is no matrix product.

    That is one with an ellipsis, a repeated index, an index that is summed in one operand only, or
    more than one index of open size.
    """
    match = re.fullmatch(r"(\w+),(\w+)->(\w*)", equation)
    if match is None:
        return None
    first, second, result = match.groups()
    if any(len(set(labels)) < len(labels) for labels in (first, second, result)):
        return None
    batch = [label for label in result if label in first and label in second]
    rows = [label for label in result if label in first and label not in second]
    columns = [label for label in result if label in second and label not in first]
    inner = [label for label in first if label in second and label not in result]
    if len(batch) + len(rows) + len(inner) < len(first):
        return None
    if len(batch) + len(columns) + len(inner) < len(second):
        return None
    sizes = _sizes(first + second, left + right)
    if sum(size == -1 for size in sizes.values()) > 1:
        return None
    kept = [sizes[label] for label in batch]
    made = [*batch, *rows, *columns]
    return Product(
        left_order=_places([*batch, *rows, *inner], first),
        left_shape=(*kept, _merged(rows, sizes), _merged(inner, sizes)),
        right_order=_places([*batch, *inner, *columns], second),
        right_shape=(*kept, _merged(inner, sizes), _merged(columns, sizes)),
        shape=tuple(sizes[label] for label in made),
        order=_places(result, "".join(made)),
    )


def _sizes(labels: str, shape: Shape) -> dict[str, int]:
    """Give the size of each index; what one operand leaves open the other may know."""
    sizes: dict[str, int] = {}
    for label, size in zip(labels, shape, strict=True):
        if size is not None or label not in sizes:
            sizes[label] = -1 if size is None else size
    return sizes


def _places(labels: Sequence[str], operand: str) -> tuple[int, ...]:
    return tuple(operand.index(label) for label in labels)


def _merged(labels: Sequence[str], sizes: Mapping[str, int]) -> int:
    """Give the size of several indices taken as one."""
    product = 1
    for label in labels:
        if sizes[label] == -1:
            return -1
        product *= sizes[label]
    return product
