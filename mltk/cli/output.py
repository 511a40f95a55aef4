"""Data to stdout, in the format that was asked for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any

import click

FORMATS = ("table", "json", "yaml", "name")


class OutputFormat(click.ParamType[str]):
    """`table`, `json`, `yaml`, `name`, or `jsonpath=TEMPLATE`."""

    name = "format"

    def __init__(self, formats: Sequence[str], *, jsonpath: bool) -> None:
        self._formats = formats
        self._jsonpath = jsonpath

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's
        """Show the choices."""
        return "|".join([*self._formats, *(["jsonpath=TEMPLATE"] if self._jsonpath else [])])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take a known format; fail with the choices otherwise."""
        text = str(value)
        if text in self._formats or (self._jsonpath and text.startswith("jsonpath=")):
            return text
        choices = [*self._formats, *(["jsonpath=TEMPLATE"] if self._jsonpath else [])]
        return self.fail(f"'{text}' is none of {', '.join(choices)}", param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[Any]:
        """Give the formats that begin so."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._formats if name.startswith(incomplete)]


def output_option(
    *formats: str, jsonpath: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `-o/--output`; the command gets `output: str`. The first format is the default."""
    known = formats or FORMATS
    return click.option(
        "-o",
        "--output",
        type=OutputFormat(known, jsonpath=jsonpath),
        default=known[0],
        show_default=True,
        help="How to print.",
    )


def write_document(document: Any, output: str) -> None:
    """Print `document` as JSON, YAML or through a JSONPath template."""
    if output == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif output == "yaml":
        click.echo(to_yaml(document), nl=False)
    else:
        from mltk.cli.jsonpath import render

        click.echo(render(output.removeprefix("jsonpath="), document))


def to_yaml(document: Any) -> str:
    """YAML with the keys in their order and texts of several lines as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their longest cell, three blanks between them, no line break."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # Ten thousand runs have ten thousand lines: one call for each of them.
    line = "   ".join(f"{{:<{width}}}" for width in widths).format
    return "\n".join([line(*cells).rstrip() for cells in lines])


def short_digest(digest: str) -> str:
    """The first 12 hex digits of `sha256:...` or `md5:...`."""
    return digest.rpartition(":")[2][:12]


def in_colour(stream: IO[str] | None = None) -> bool:
    """Whether to colour what goes to `stream`: a terminal, and NO_COLOR (no-color.org) not set."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
