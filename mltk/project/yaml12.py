"""YAML as its version 1.2 reads it, which is what editors and the JSON Schema go by.

PyYAML follows version 1.1, where `1e-3` is text, `010` is eight, `12:30` is 750 and `no` is false:
each a trap in a file about learning rates and vocabularies.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import yaml

# Tag, what a plain scalar looks like, and the characters that it may start with (spec 10.3.2).
_CORE = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
)


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema of YAML 1.2; merge keys (`<<`) stay."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 -- PyYAML's way


def _decimal(loader: Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


for _tag, _pattern, _first in _CORE:
    Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )
Loader.add_constructor("tag:yaml.org,2002:int", _decimal)

_MOST_NESTED = 1000

_Native: Any = None
if yaml.__with_libyaml__:

    class _Native(yaml.CSafeLoader):  # type: ignore[no-redef]
        """The same over libyaml, which is ten times as fast: every step reads the project file."""

        yaml_implicit_resolvers = Loader.yaml_implicit_resolvers


def compose(text: str) -> yaml.Node | None:
    """Give the nodes of a document; yaml.YAMLError for what is none, in the words of PyYAML."""
    if _Native and _is_plain(text):
        # It names other places and reasons than PyYAML does, so it has no say in what is wrong.
        with suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=_Native)
    return yaml.compose(text, Loader=Loader)


def _is_plain(text: str) -> bool:
    """Whether libyaml reads it as PyYAML does.

    It takes tabs for blanks; and it calls itself, so what nests deep would end its process.
    """
    opened = text.count("[") + text.count("{")
    if "\t" in text or opened > _MOST_NESTED:
        return False
    return max(map(len, text.splitlines()), default=0) <= _MOST_NESTED
