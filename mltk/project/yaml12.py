"""YAML as its version 1.2 reads it, which is what editors and the JSON Schema go by.

PyYAML follows version 1.1, where `1e-3` is text, `010` is eight, `12:30` is 750 and `no` is false:
each a trap in a file about learning rates and vocabularies.
"""

from __future__ import annotations

import re

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
