"""Manifests from files, folders and standard input."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mltk.errors import AdmissionError, UsageError

if TYPE_CHECKING:
    from mltk.tekton.objects import Obj

_ENDINGS = (".yaml", ".yml", ".json")


@dataclasses.dataclass(frozen=True)
class Document:
    """An object with the place that it was read from."""

    obj: Obj
    origin: str
    line: int

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.origin}:{self.line}"

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Say file and line too when the object within is refused."""
        try:
            yield
        except AdmissionError as error:
            where = f"{self.where}: {error.where}" if error.where else self.where
            raise AdmissionError(error.what, where=where, hint=error.hint) from None

    def placed(self, namespace: str) -> Obj:
        """The object in its own namespace, else in `namespace`."""
        metadata = {"namespace": namespace, **(self.obj.get("metadata") or {})}
        return {**self.obj, "metadata": metadata}


def filename_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-f/--filename` (repeatable); the command gets `filenames: tuple[str, ...]`."""
    return click.option(
        "-f",
        "--filename",
        "filenames",
        multiple=True,
        required=True,
        type=click.Path(allow_dash=True),
        metavar="FILE",
        help="YAML or JSON file, a folder of such files, or - for standard input; repeatable.",
    )(command)


def read_objects(filenames: Sequence[str]) -> list[Document]:
    """The objects of all files in their order; a `List` gives its items.

    Raises AdmissionError for a file that is no manifest, UsageError for one that cannot be read or
    when there is no object at all.
    """
    from mltk.tekton.manifest import parse

    found = [
        Document(each.obj, each.origin, each.line)
        for name in filenames
        for text, origin in _texts(name)
        for each in parse(text, origin)
    ]
    if not found:
        raise UsageError("no object in what was given", hint=f"looked in {', '.join(filenames)}")
    return found


def _texts(name: str) -> Iterator[tuple[str, str]]:
    if name == "-":
        yield sys.stdin.read(), "stdin"
        return
    path = Path(name)
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.suffix in _ENDINGS:
                yield _read(file), str(file)
    else:
        yield _read(path), name


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError("no such file", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=str(path)) from None
