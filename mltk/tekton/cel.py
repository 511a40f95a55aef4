"""Expressions in CEL, the Common Expression Language: https://github.com/google/cel-spec.

Tekton compiles and evaluates them with cel-go and no declarations of its own; here it is Google's
implementation in C++, which the package cel-expr-python brings. Messages are put as cel-go has
them, because they end up in the status of a run.
"""

from __future__ import annotations

import ctypes
import re
import sys
from functools import cache, lru_cache
from typing import Any

from mltk.errors import INSTALL, InfrastructureError

_STATUS = re.compile(r"^[A-Z_]+: (.*?)(?: \[[A-Z_]+\])?$", re.DOTALL)
_UNDECLARED = re.compile(
    r"ERROR: <input>:(?P<line>\d+):(?P<column>\d+): undeclared reference to '(?P<name>[\w.]+)'"
    r"(?P<where> [^\n]*)(?P<shown>\n \| [^\n]*\n \| )\.*\^"
)
_CONVERSION = "type conversion error from 'string' to '{}'"
_NO_OVERLOAD = "no such overload"
# What the evaluation stops at: as the package says it, and as cel-go says it.
_SAID: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"cannot convert string to (\w+)"), _CONVERSION.format(r"\1")),
    (re.compile(r"Type conversion error from 'string' to 'bool'"), _CONVERSION.format("bool")),
    (
        re.compile(r"String to (\w+) conversion failed"),
        _CONVERSION.format(r"google.protobuf.\1"),
    ),
    (re.compile("divide by zero"), "division by zero"),
    (re.compile(r"Index error: index=(-?\d+) size=\d+"), r"index out of bounds: \1"),
    (re.compile(r'Key not found in map : "?(.*?)"?'), r"no such key: \1"),
    (re.compile("No matching overloads found : .*"), _NO_OVERLOAD),
    (re.compile("int64 out of uint64 range"), "unsigned integer overflow"),
)


class CelError(ValueError):
    """An expression that does not compile, or does not come to true or false."""


def check(expression: str) -> None:
    """Raise CelError, with cel-go's words, for an expression that does not compile."""
    _compile(expression)


@lru_cache(maxsize=4096)
def holds(expression: str) -> bool:
    """What an expression comes to; raises CelError when it does not compile or is no bool."""
    found = _compile(expression).eval(data={})
    if found.type().name() == "ERROR":
        raise CelError(plain_evaluation(str(found.value())))
    if not isinstance(value := found.value(), bool):
        raise CelError(f"The CEL expression {expression} is not evaluated to a boolean")
    return value


@cache
def library() -> Any:
    """The module that compiles and evaluates; raises InfrastructureError without it."""
    try:
        from cel_expr_python import cel
    except ImportError:
        raise InfrastructureError("CEL needs the package cel-expr-python", hint=INSTALL) from None
    _hold_none()
    return cel


def _hold_none() -> None:
    """Take so many references to None that nobody can give them all back.

    The package, 0.1.3, gives one back that it never took for each null that it makes a value of
    Python. A Python before 3.12 dies of that, after some thousand nulls.
    """
    if sys.version_info < (3, 12):
        ctypes.c_ssize_t.from_address(id(None)).value += 2**40


@cache
def _environment() -> Any:
    return library().NewEnv()


def _compile(expression: str) -> Any:
    try:
        return _environment().compile(expression)
    except RuntimeError as error:
        raise CelError(plain_compilation(str(error))) from None


def plain_compilation(message: str) -> str:
    """Why an expression does not compile, in the words of cel-go."""
    return _UNDECLARED.sub(_root, _plain(message))


def _root(found: re.Match[str]) -> str:
    """cel-go names the first part of ``a.b`` and points at it, the package all and the dot."""
    name, column = found["name"], int(found["column"])
    if "." in name:
        column -= len(name.rpartition(".")[0])
    root = name.partition(".")[0]
    return (
        f"ERROR: <input>:{found['line']}:{column}: undeclared reference to '{root}'"
        f"{found['where']}{found['shown']}{'.' * (column - 1)}^"
    )


def plain_evaluation(message: str) -> str:
    """Why an evaluation stops, in the words of cel-go."""
    plain = _plain(message)
    for said, meant in _SAID:
        if match := said.fullmatch(plain):
            return match.expand(meant)
    return plain


def _plain(message: str) -> str:
    """Without the status code that the C++ library puts around it."""
    found = _STATUS.match(message)
    return found[1] if found else message
