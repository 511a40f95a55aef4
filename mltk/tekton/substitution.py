"""Variables ``$(...)``: one pass of literal replacement, as Tekton's ``pkg/substitution`` does it.

What a value brings in is never expanded again by the same pass, and a variable that nobody knows
stays as it is written. There is no escape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A value of a param or a result: text, a list of texts, or texts by key.
Value = str | list[str] | dict[str, str]

_VARIABLE = re.compile(r"\$\(([^()]*)\)")
# What counts as a reference; quoted names, e.g. `params['x']`, are replaced but never looked for.
_REFERENCE = re.compile(r"\$\(([_a-zA-Z0-9.-]+(?:\[(?:[0-9]+|\*)\])?)\)")


@dataclass(frozen=True)
class Variables:
    """What is known, by name: ``params.x`` -> text, whole lists, whole objects."""

    texts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    objects: Mapping[str, dict[str, str]] = field(default_factory=dict)

    def __or__(self, other: Variables) -> Variables:
        return merged((self, other))

    def __bool__(self) -> bool:
        return bool(self.texts or self.lists or self.objects)


def merged(many: Iterable[Variables]) -> Variables:
    """All variables of many in one; the last of equal names counts."""
    into_texts: dict[str, str] = {}
    into_lists: dict[str, list[str]] = {}
    into_objects: dict[str, dict[str, str]] = {}
    for each in many:
        into_texts.update(each.texts)
        into_lists.update(each.lists)
        into_objects.update(each.objects)
    return Variables(into_texts, into_lists, into_objects)


def text(template: str, variables: Variables) -> str:
    """Replace the variables in a text; lists and objects have no place in one."""
    if "$(" not in template:
        return template
    known = variables.texts
    return _VARIABLE.sub(lambda found: known.get(found[1], found[0]), template)


def elements(template: str, variables: Variables) -> list[str]:
    """One element of command, args or a list: a variable that is all of it may become many."""
    found = _VARIABLE.fullmatch(template)
    if found:
        whole = variables.lists.get(found[1].removesuffix("[*]"))
        if whole is not None:
            return list(whole)
    return [text(template, variables)]


def value(template: Value, variables: Variables) -> Value:
    """Replace in a param's value; a text that is one variable takes the type of what it names."""
    if isinstance(template, list):
        return [part for item in template for part in elements(item, variables)]
    if isinstance(template, dict):
        return {key: text(item, variables) for key, item in template.items()}
    found = _REFERENCE.fullmatch(template)
    if found:
        name = found[1].removesuffix("[*]")
        if name in variables.lists:
            return list(variables.lists[name])
        if name in variables.objects:
            return dict(variables.objects[name])
        if name in variables.texts and name != found[1]:
            return template  # `[*]` of a text is left alone
    return text(template, variables)


def deep(tree: Any, variables: Variables) -> Any:
    """Replace in every text of a tree of dicts and lists (never in keys)."""
    if isinstance(tree, str):
        return text(tree, variables)
    if isinstance(tree, dict):
        return {key: deep(item, variables) for key, item in tree.items()}
    if isinstance(tree, list):
        return [deep(item, variables) for item in tree]
    return tree


def references(tree: Any) -> Iterator[str]:
    """What stands between ``$(`` and ``)`` in the texts of a tree, in the order of the text."""
    for found in texts(tree):
        if "$(" in found:
            yield from _REFERENCE.findall(found)


def texts(tree: Any) -> Iterator[str]:
    """All texts in a tree of dicts and lists."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from texts(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from texts(item)


def spellings(pattern: Sequence[str], name: str) -> list[str]:
    """The ways to write a variable, `pattern` with the name in place of ``{}``."""
    return [each.format(name) for each in pattern]


def collect(
    values: Mapping[str, Value], patterns: Sequence[str], keyed: Callable[[str, str], Sequence[str]]
) -> Variables:
    """Variables for named values in all spellings; `keyed` spells one key of an object."""
    into_texts: dict[str, str] = {}
    into_lists: dict[str, list[str]] = {}
    into_objects: dict[str, dict[str, str]] = {}
    for name, found in values.items():
        for spelling in spellings(patterns, name):
            if isinstance(found, list):
                into_lists[spelling] = found
                into_texts.update({f"{spelling}[{i}]": item for i, item in enumerate(found)})
            elif isinstance(found, dict):
                into_objects[spelling] = found
            else:
                into_texts[spelling] = found
        if isinstance(found, dict):
            into_texts.update({key: found[k] for k in found for key in keyed(name, k)})
    return Variables(into_texts, into_lists, into_objects)
