"""Which operations a bundle may hold, and which layer brought one that it may not."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mltk.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A family of operations that no bundle holds: `ops` is a pattern of TensorFlow op names."""

    ops: re.Pattern[str]
    does: str
    hint: str


REFUSALS = (
    Refusal(
        re.compile(
            r"(Stateless|Stateful)?(Random|Multinomial|TruncatedNormal|Parameterized).*|Rng.*"
        ),
        "draws random numbers, so that no two runs could be compared",
        "make the noise an input of the exported model",
    ),
    Refusal(
        re.compile(r".*(LookupTable|HashTable).*"),
        "looks values up in a table, which TensorFlow.js does not run in predict()",
        "feed the index of the value, and keep the vocabulary in the feature's `values`",
    ),
    Refusal(
        re.compile(r"(Static)?Regex.*|String.*|Unicode.*|Substr|AsString|Decode.*|Encode.*"),
        "works on strings, which TensorFlow.js models do not",
        "do it before the model: feed numbers",
    ),
    Refusal(
        re.compile(
            r"(Stateless)?(While|If|Case)|Switch|Merge|Enter|Exit|TensorList.*|TensorArray.*"
        ),
        "has control flow, which TensorFlow.js does not run in predict()",
        "write it without a loop or branch that depends on data, or unroll it",
    ),
    Refusal(
        re.compile(r"Assign.*|ResourceScatter.*"),
        "changes a variable, and a bundle has none",
        "export a model whose call() has no state (stateful=False)",
    ),
    Refusal(
        re.compile(r"(Eager)?PyFunc.*|XlaCall.*"),
        "calls back into Python",
        "write the layer with keras.ops",
    ),
)


LACKING: Mapping[str, frozenset[str]] = {
    "wasm": frozenset(
        {"Complex", "ComplexAbs", "Einsum", "FFT", "IFFT", "IRFFT", "Imag", "RFFT", "Real"}
    ),
    "webgpu": frozenset(
        {"BitwiseAnd", "NonMaxSuppressionV4", "SparseFillEmptyRows", "SparseReshape", "Unique"}
        | {"UniqueV2"}
    ),
}
"""Operations that one backend has no kernel for although TensorFlow.js knows them."""


def refuse_before_freezing(graph: Any, layers: Iterable[str]) -> None:
    """Raise ConfigError for an operation of `graph` (GraphDef) that belongs to a Refusal.

    Freezing comes after: it fails on some of them with messages that name no layer.
    """
    names = frozenset(layers)
    functions = [node for function in graph.library.function for node in function.node_def]
    nodes = (*graph.node, *functions)
    # In the order of the table: a random layer also changes the variable that holds its seed.
    for refusal in REFUSALS:
        for node in nodes:
            if refusal.ops.fullmatch(node.op):
                raise ConfigError(
                    f"{_culprit(node.name, names)} {refusal.does} (operation {node.op})",
                    hint=refusal.hint,
                )


def refuse_unsupported(
    graph: Any, unsupported: Iterable[str], origins: Mapping[str, str], layers: Iterable[str]
) -> None:
    """Raise ConfigError when `graph` holds one of the `unsupported` operations.

    `origins` gives the name that a node had when Keras made it.
    """
    unknown = frozenset(unsupported)
    names = frozenset(layers)
    found = {
        f"{_culprit(origins.get(node.name, ''), names)} needs {node.op}"
        for node in graph.node
        if node.op in unknown
    }
    if found or unknown:
        raise ConfigError(
            "TensorFlow.js has no kernel for the model: " + "; ".join(sorted(found or unknown)),
            hint="precompute it as a constant, or write the layer with other operations",
        )


def refuse_lacking(
    graph: Any, backends: Iterable[str], origins: Mapping[str, str], layers: Iterable[str]
) -> None:
    """Raise ConfigError when one of the `backends` has no kernel for an operation of `graph`."""
    names = frozenset(layers)
    for backend in backends:
        lacking = LACKING.get(backend.removeprefix("browser-"), frozenset())
        for node in graph.node:
            if node.op in lacking:
                raise ConfigError(
                    f"{_culprit(origins.get(node.name, ''), names)} needs {node.op}, for which the "
                    f"{backend} backend of TensorFlow.js has no kernel",
                    hint=f"write the layer without {node.op}, or leave '{backend}' out of the "
                    "backends (export.backends)",
                )


def _culprit(path: str, layers: frozenset[str]) -> str:
    """Name the innermost layer of a node's path; a scope that is entered again got a number."""
    for part in reversed(path.split("/")):
        for candidate in (part, re.sub(r"_\d+$", "", part)):
            if candidate in layers:
                return f"layer '{candidate}'"
    return "the model"
