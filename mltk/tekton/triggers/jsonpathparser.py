"""Reads a JSONPath as client-go's ``util/jsonpath`` does, which Tekton Triggers calls.

Grammar: https://kubernetes.io/docs/reference/kubectl/jsonpath/. Its habits are kept, because
bindings live by them: ``['a.b']`` is the key b in the key a, and a backslash keeps a dot in a key.
"""

from __future__ import annotations

import re

from mltk.tekton.triggers.errors import TriggerError
from mltk.tekton.triggers.jsonpathnodes import (
    Field,
    Filter,
    Identifier,
    Literal,
    Node,
    Path,
    Recursive,
    Slice,
    Union,
    Wildcard,
)

_END = ""
_TERMINATORS = frozenset([_END, " ", "\t", "\r", "\n", *".,[]$@{}"])
_KEY = re.compile(r"'([^']*)'")
_SLICE = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)")
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|.",
    re.DOTALL,
)
_CONTROLS = dict(zip("abfnrtv\\", b"\a\b\f\n\r\t\v\\", strict=True))
_LARGEST = 2**63
_LARGEST_BYTE, _LARGEST_POINT = 0xFF, 0x10FFFF


def parse(text: str) -> Path:
    """The path in `text`, which is what stands between the braces; TriggerError for none."""
    return _Parser(text + "}").path()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def path(self) -> Path:
        nodes: list[Node] = []
        while not self._at("}"):
            nodes += self._node(nodes)
        return tuple(nodes)

    def _node(self, before: list[Node]) -> Path:
        if self._at("[?("):
            return self._filter()
        if self._at(".."):
            return self._recursive(before)
        character = self._next()
        if character in (_END, "\r", "\n"):
            raise TriggerError("unclosed action")
        if character in " @$":
            return ()
        if character == "[":
            return self._array()
        if character in "\"'":
            return self._quote(character)
        if character == ".":
            return self._field()
        self._position -= 1
        if character in "+-" or character.isdecimal():
            return self._number()
        if _is_word(character):
            return self._identifier()
        shown = f" '{character}'" if character.isprintable() else ""
        raise TriggerError(f"unrecognized character in action: U+{ord(character):04X}{shown}")

    def _at(self, prefix: str) -> bool:
        return self._text.startswith(prefix, self._position)

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _next(self) -> str:
        character = self._peek()
        self._position += len(character)
        return character

    def _until_terminator(self, *, escapes: bool) -> str:
        begin = self._position
        while (character := self._peek()) not in _TERMINATORS:
            self._position += 1
            if character == "\\" and escapes:
                self._next()
        return self._text[begin : self._position]

    def _recursive(self, before: list[Node]) -> Path:
        if before and isinstance(before[-1], Recursive):
            raise TriggerError("invalid multiple recursive descent")
        self._position += len("..")
        return (Recursive(), *(self._field() if _is_word(self._peek()) else ()))

    def _field(self) -> Path:
        name = self._until_terminator(escapes=True)
        return (Wildcard(),) if name == "*" else (Field(name.replace("\\", "")),)

    def _identifier(self) -> Path:
        name = self._until_terminator(escapes=False)
        return (Literal(name == "true") if name in ("true", "false") else Identifier(name),)

    def _number(self) -> Path:
        begin = self._position
        if self._peek() in "+-":
            self._position += 1
        while self._peek() == "." or self._peek().isdecimal():
            self._position += 1
        text = self._text[begin : self._position]
        try:
            if not text.isascii():
                raise ValueError(text)
            whole = "." not in text and -_LARGEST <= int(text) < _LARGEST
            return (Literal(int(text) if whole else float(text)),)
        except ValueError:
            raise TriggerError(f"cannot parse number {text}") from None

    def _quote(self, mark: str) -> Path:
        begin = self._position - 1
        while True:
            character = self._next()
            if character in (_END, "\n"):
                raise TriggerError("unterminated quoted string")
            if character == mark and self._text[self._position - 2] != "\\":
                return (Literal(_unquoted(self._text[begin : self._position])),)

    def _array(self) -> Path:
        begin = self._position
        while (character := self._next()) != "]":
            if character in (_END, "\n"):
                raise TriggerError("unterminated array")
        text = self._text[begin : self._position - 1]
        if "," in text:
            return (Union(tuple(parse(f"[{part.strip(' ')}]") for part in text.split(","))),)
        if key := _KEY.fullmatch(text):
            return parse(f".{key[1]}")
        return (_slice(":" if text == "*" else text),)

    def _filter(self) -> Path:
        self._position += len("[?(")
        begin = self._position
        mark, closed = "", False
        while True:
            character = self._next()
            if character in (_END, "\n"):
                raise TriggerError("unterminated filter")
            if character in "\"'" and not mark:
                mark = character
            elif character == mark and self._text[self._position - 2] != "\\":
                closed = True
            elif character == ")" and bool(mark) == closed:
                break
        text = self._text[begin : self._position - 1]
        if self._next() != "]":
            raise TriggerError("unclosed array expect ]")
        if compared := _COMPARISON.fullmatch(text):
            return (Filter(parse(compared[1]), compared[2], parse(compared[3])),)
        return (Filter(parse(text), "exists", ()),)


def _slice(text: str) -> Slice:
    found = _SLICE.fullmatch(text)
    if found is None:
        raise TriggerError(f"invalid array index {text}")
    start, end, step = (
        _index((part or "").removeprefix(":")) for part in (found[1], found[2], found[3])
    )
    return Slice(start, end, step, single=not found[2])


def _index(text: str) -> int | None:
    if text == "-":
        raise TriggerError("array index - is not a number")
    return int(text) if text else None


def _unquoted(quoted: str) -> str:
    mark, text = quoted[0], quoted[1:-1]
    whole = b"".join(_bytes(found, mark, quoted) for found in _ESCAPE.finditer(text))
    return whole.decode("utf-8", "replace")


def _bytes(found: re.Match[str], mark: str, quoted: str) -> bytes:
    control, octal, hexadecimal, short, long, other = found.groups()
    if control:
        return bytes([_CONTROLS[control]])
    if short or long:
        point = int(short or long, 16)
        if point <= _LARGEST_POINT and not 0xD800 <= point < 0xE000:
            return chr(point).encode()
    elif octal or hexadecimal:
        if (byte := int(octal, 8) if octal else int(hexadecimal, 16)) <= _LARGEST_BYTE:
            return bytes([byte])
    elif other == mark:
        return mark.encode()
    elif other is None and found[0] not in (mark, "\\"):
        return found[0].encode()
    raise TriggerError(f"unquote string {quoted} error invalid syntax")


def _is_word(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()
