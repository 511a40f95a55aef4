"""YAML as go-yaml v2 reads it on its way to JSON, as for all that Kubernetes and Tekton read.

Rules: https://pkg.go.dev/go.yaml.in/yaml/v2 and https://pkg.go.dev/sigs.k8s.io/yaml. It is YAML 1.1
without base 60 numbers; a date is text, every number a float64, keys become strings.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from mltk.tekton import gojson

_FAILED = "error converting YAML to JSON"
_TOO_MANY = "document contains excessive aliasing"
_MOST_VALUES = 400_000
_TAG = "tag:yaml.org,2002:"
_TYPES = {int: "int", float: "float", bool: "bool", type(None): "null", str: "str"}
_LEAST, _MOST, _MOST_DIGITS = -(2**63), 2**64 - 1, 20
_TRUE = "y Y yes Yes YES true True TRUE on On ON"
_FALSE = "n N no No NO false False FALSE off Off OFF"
_BOOLS = dict.fromkeys(_TRUE.split(), True) | dict.fromkeys(_FALSE.split(), False)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INT = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9][0-9]*|0)")
_BASES = {"0x": 16, "0o": 8, "0b": 2}


def decode(text: str) -> Any:
    """The value of the first document of `text`, one of JSON; raises ValueError for none."""
    try:
        return _Jsons().of(next(yaml.load_all(text, Loader=_Loader), None))
    except yaml.YAMLError as error:
        raise ValueError(f"{_FAILED}: yaml: {_short(error)}") from None
    except RecursionError:
        raise ValueError(f"{_FAILED}: exceeded max depth") from None


def _short(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error)


class _Jsons:
    """Values as JSON has them; aliases that come to ever more values are refused."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, value: Any) -> Any:
        self._count += 1
        if self._count > _MOST_VALUES:
            raise ValueError(f"{_FAILED}: yaml: {_TOO_MANY}")
        if isinstance(value, dict):
            return {key: self.of(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.of(each) for each in value]
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{_FAILED}: json: unsupported value: {value}")
        return value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float):
        return gojson.encode(key)
    if not isinstance(key, str):
        raise ValueError(f"{_FAILED}: unsupported map key: {key}")
    return key


def _number(text: str) -> int | float | str:
    plain = text.replace("_", "")
    if found := _INT.fullmatch(plain):
        digits = found[2].lower()
        base = _BASES.get(digits[:2], 8 if digits[0] == "0" and len(digits) > 1 else 10)
        if base != 10 or len(digits) <= _MOST_DIGITS:
            number = int(found[1] + digits.removeprefix("0o"), base)
            if _LEAST <= number <= _MOST:
                return number
    if not _FLOAT.fullmatch(plain) or math.isinf(float(plain)):
        return text
    return float(plain)


class _Loader(yaml.SafeLoader):
    """The scalars of go-yaml, none of those of PyYAML."""

    _merged = 0

    def number(self, node: yaml.ScalarNode) -> int | float | str:
        return _number(self.construct_scalar(node))

    def tagged(self, node: yaml.ScalarNode) -> Any:
        """A scalar of a tag that says its type, which is that of what it is without."""
        text, wanted = self.construct_scalar(node), node.tag.removeprefix(_TAG)
        if wanted == "timestamp" and self.timestamp_regexp.match(text):
            return text
        value = self._plain(text)
        found = _TYPES[type(value)]
        if wanted != found and (wanted, found) != ("float", "int"):
            what = f"cannot decode !!{found} `{text}` as a !!{wanted}"
            raise yaml.constructor.ConstructorError(problem=what)
        return value

    def _plain(self, text: str) -> Any:
        tag = self.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        if tag == "!number":
            return _number(text)
        if tag == f"{_TAG}float":
            return float(text.replace(".", ""))
        return {f"{_TAG}bool": _BOOLS.get(text), f"{_TAG}null": None}.get(tag, text)

    def untagged(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self.construct_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return self.construct_mapping(node, deep=True)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put in what is merged; merges that come to ever more are refused before they do."""
        for key, value in node.value:
            if key.tag != f"{_TAG}merge":
                continue
            for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(each, yaml.MappingNode):
                    self.flatten_mapping(each)
                    self._merged += len(each.value)
                if self._merged > _MOST_VALUES:
                    raise yaml.constructor.ConstructorError(problem=_TOO_MANY)
        super().flatten_mapping(node)

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(problem="expected a mapping")
        self.flatten_mapping(node)
        return {
            _key(self.construct_object(key, deep=True)): self.construct_object(value, deep=deep)
            for key, value in node.value
        }


_TAGS = (
    (f"{_TAG}merge", "<<", "<"),
    (f"{_TAG}bool", "|".join(_BOOLS), "yYnNtTfFoO"),
    (f"{_TAG}null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    (f"{_TAG}float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("!number", "[-+.0-9].*", "-+.0123456789"),
)
_Loader.yaml_implicit_resolvers = {}
for _tag, _form, _first in _TAGS:
    _Loader.add_implicit_resolver(_tag, re.compile(f"({_form})$"), list(_first))
_Loader.add_constructor("!number", _Loader.number)
for _name in ("int", "float", "bool", "null", "timestamp"):
    _Loader.add_constructor(f"{_TAG}{_name}", _Loader.tagged)
for _name in ("set", "omap", "pairs"):
    _Loader.add_constructor(f"{_TAG}{_name}", _Loader.untagged)
_Loader.add_constructor(None, _Loader.untagged)
