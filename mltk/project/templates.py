"""The Jinja2 templates of this package, and the filters that make any text safe in YAML."""

from __future__ import annotations

import functools
import re
from typing import Any

import jinja2
import yaml


def render(name: str, **values: Any) -> str:
    """The template `name` with `values`; a value that is not given is an error."""
    return _environment().get_template(name).render(**values)


def scalar(value: str) -> str:
    """Any text as one double-quoted YAML scalar on one line, so that no value can add a key.

    JSON's quoting will not do: YAML reads its surrogate pairs as two characters.
    """
    text: str = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n")


def word(value: str) -> str:
    """A text without quotes where YAML reads it as that text, else as a `scalar`."""
    plain = re.fullmatch(r"[A-Za-z][\w./-]*", value, flags=re.ASCII)
    return value if plain and yaml.safe_load(value) == value else scalar(value)


def oneline(value: str) -> str:
    """A text for a comment, which must not end before the line does."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029\ufeff]+", " ", value)


def label(window: str) -> str:
    """A window as the value of a label, which takes neither colons nor slashes."""
    return re.sub(r"[-:]", "", window).replace("/", "-")


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mltk.project", ""),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 -- YAML, not HTML: the filters are what makes values safe
        keep_trailing_newline=True,
    )
    environment.filters |= {"scalar": scalar, "word": word, "oneline": oneline, "label": label}
    return environment
