"""Replacements by Go's regexp package, in RE2, of which Go's is a translation.

Rules: https://pkg.go.dev/regexp#Regexp.ReplaceAllString. The RE2 is that of CEL's package: it takes
time that is linear in the text, whoever sends it; Python's own expressions would not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from mltk.tekton.cel import library, plain_evaluation

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))|(\\)")
_GROUP = re.compile(
    r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|(\((?!\?)|\(\?P?<(\w+)>)",
    re.DOTALL,
)
_NUMBER = re.compile("0|[1-9][0-9]*")
_MOST_GROUPS = 9
_CONFIG = "name: regexp\nextensions:\n- name: optional\n- name: regex\n"


def replace_all(text: str, pattern: str, template: str) -> str:
    """`text` with `template` for each match of `pattern`; raises ValueError for no pattern.

    ``$1``, ``$name`` and ``${name}`` in the template are what groups matched, "" for none.
    """
    if "$" not in template:
        return _replaced(text, pattern, _rewrite([], template))
    # Only what RE2 takes is searched for groups: in other patterns that may take long.
    _replaced("", pattern, "")
    names = [found[2] for found in _GROUP.finditer(pattern) if found[1]]
    return _replaced(text, pattern, _rewrite(names, template))


def _replaced(text: str, pattern: str, rewrite: str) -> str:
    given = {"text": text, "pattern": pattern, "rewrite": rewrite}
    found = _replacement().eval(data=given)
    if found.type().name() == "ERROR":
        raise ValueError(plain_evaluation(str(found.value())))
    replaced: str = found.value()
    return replaced


def _rewrite(names: Sequence[str | None], template: str) -> str:
    r"""`template` in the form of RE2, where ``\1`` is the first group; `names` are the groups'."""

    def variable(found: re.Match[str]) -> str:
        dollar, braced, bare, backslash = found.groups()
        if dollar or backslash:
            return "$" if dollar else r"\\"
        name = braced or bare
        if _NUMBER.fullmatch(name):
            index = int(name)
        else:
            index = names.index(name) + 1 if name in names else -1
        if not 0 <= index <= len(names):
            return ""
        if index > _MOST_GROUPS:
            raise ValueError(f"only the first {_MOST_GROUPS} groups can be put in, not ${name}")
        return rf"\{index}"

    return _VARIABLE.sub(variable, template)


@cache
def _replacement() -> Any:
    cel = library()
    names = dict.fromkeys(("text", "pattern", "rewrite"), cel.Type.STRING)
    environment = cel.NewEnv(variables=names, config=cel.NewEnvConfigFromYaml(_CONFIG))
    return environment.compile("regex.replace(text, pattern, rewrite)")
