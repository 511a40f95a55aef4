"""The functions that Tekton Triggers adds to CEL.

Rules: https://tekton.dev/docs/triggers/cel_expressions/ and Tekton's
``pkg/interceptors/cel/triggers.go``. The page's ``decodeb64`` is not there any more, and the
namespace that ``compareSecret`` takes is not looked at: it is always that of the trigger.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from mltk.tekton import gojson, gourl, goyaml
from mltk.tekton.celjson import to_json
from mltk.tekton.goregexp import replace_all
from mltk.tekton.triggers.bindings import canonical_header

SecretValue = Callable[[Mapping[str, Any]], bytes]
"""From a reference to a secret to what it holds; raises LookupError with why it does not."""

RANGE = "lists_range"
"""What ``lists.range`` is called here; as long a name, so that columns of faults stay right."""

_LARGEST_RANGE = 1_000_000
_SECRET_ARGUMENTS = (3, 4)


def extension(cel: Any) -> Any:
    """The functions, for an environment of the module `cel`; ``compareSecret`` is to be bound."""
    kind = cel.Type
    text, found, lists = kind.STRING, kind.Map(kind.STRING, kind.DYN), kind.List(kind.DYN)

    def method(name: str, *overloads: tuple[str, Any, list[Any], Any]) -> Any:
        return cel.FunctionDecl(
            name,
            [
                cel.Overload(label, gives, takes, True, call)
                for label, gives, takes, call in overloads
            ],
        )

    secrets = [
        (f"compareSecret_{'_'.join(['string'] * count)}", kind.BOOL, [text] * count, None)
        for count in _SECRET_ARGUMENTS
    ]
    return cel.CelExtension(
        "triggers",
        [
            method("match", ("match_map_string_string", kind.BOOL, [found, text, text], _match)),
            method("canonical", ("canonical_map_string", text, [found, text], _canonical)),
            method("truncate", ("truncate_string_uint", text, [text, kind.INT], _truncate)),
            method("compareSecret", *secrets),
            method("parseJSON", ("parseJSON_string", found, [text], _parse_json)),
            method("parseYAML", ("parseYAML_string", found, [text], _parse_yaml)),
            method("parseURL", ("parseURL_string", found, [text], _parse_url)),
            method(
                "marshalJSON",
                ("marshalJSON_map", text, [found], _marshal_json),
                ("marshalJSON_list", text, [lists], _marshal_json),
            ),
            method("first", ("first_list", kind.DYN, [lists], lambda of: of[0] if of else None)),
            method("last", ("last_list", kind.DYN, [lists], lambda of: of[-1] if of else None)),
            method("translate", ("translate_string_string", text, [text] * 3, _translate)),
            # In place of the library's own, which takes all the memory that it is asked for.
            cel.FunctionDecl(
                RANGE, [cel.Overload("lists_range", kind.List(kind.INT), [kind.INT], False, _range)]
            ),
        ],
    )


def bound(cel: Any, secret: SecretValue) -> list[Any]:
    """``compareSecret`` with the secrets of one trigger, for one evaluation."""
    kind = cel.Type

    def compare(text: str, key: str, name: str, _namespace: str = "") -> bool:
        try:
            held = secret({"secretName": name, "secretKey": key})
        except LookupError as error:
            ref = f"SecretKey:{gojson.quoted(key)}, SecretName:{gojson.quoted(name)}"
            raise ValueError(
                f"failed to find secret 'v1beta1.SecretRef{{{ref}}}' in compareSecret: "
                f"{error.args[0]}"
            ) from None
        return hmac.compare_digest(text.encode(), held)

    return [
        cel.Function("compareSecret", [kind.STRING] * count, True, compare, kind.BOOL)
        for count in _SECRET_ARGUMENTS
    ]


def _canonical(header: dict[str, Any], name: str) -> str:
    for lines in header.values():
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise ValueError(_no_header(lines))
    found = header.get(canonical_header(name))
    return found[0] if found else ""


def _no_header(lines: Any) -> str:
    if isinstance(lines, str):
        why = "unsupported native conversion from string to '[]string'"
    else:
        why = "type conversion error to '[]string'"
    return f"failed to convert to http.Header: {why}"


def _match(header: dict[str, Any], name: str, value: str) -> bool:
    return _canonical(header, name) == value


def _truncate(text: str, length: int) -> str:
    if length < 0:
        raise ValueError(f"internal error: runtime error: slice bounds out of range [:{length}]")
    try:
        return text.encode()[:length].decode()
    except UnicodeDecodeError:
        raise ValueError(f"truncate({length}) cuts a character in two") from None


def _parse_json(text: str) -> dict[str, Any]:
    return _decoded("parseJSON", text, lambda: gojson.decode(text.encode()))


def _parse_yaml(text: str) -> dict[str, Any]:
    return _decoded("parseYAML", text, lambda: goyaml.decode(text))


def _decoded(name: str, text: str, decode: Callable[[], Any]) -> dict[str, Any]:
    try:
        found = decode()
    except ValueError as error:
        raise ValueError(f"failed to decode '{text}' in {name}: {error}") from None
    if found is not None and not isinstance(found, dict):
        raise ValueError(f"failed to decode '{text}' in {name}: it is not an object")
    return found or {}


def _parse_url(text: str) -> dict[str, Any]:
    try:
        url = gourl.parse(text)
    except ValueError as error:
        raise ValueError(f"failed to decode '{text}' in parseURL: {error}") from None
    found = {
        "scheme": url.scheme,
        "host": url.host,
        "path": url.path,
        "rawQuery": url.raw_query,
        "fragment": url.fragment,
        "queryStrings": url.query,
        "query": {name: ",".join(values) for name, values in url.query.items()},
    }
    if url.user:
        found["auth"] = dict(zip(("username", "password"), url.user, strict=True))
    return found


def _marshal_json(value: Any) -> str:
    try:
        return gojson.encode(to_json(value))
    except ValueError as error:
        raise ValueError(f"failed to convert to native: {error}") from None


def _translate(text: str, pattern: str, template: str) -> str:
    try:
        return replace_all(text, pattern, template)
    except ValueError as error:
        message = f"failed to parse regular expression for translation: {error}"
        raise ValueError(message) from None


def _range(count: int) -> list[int]:
    if count < 0:
        raise ValueError(f"lists.range: size must be non-negative, got {count}")
    if count > _LARGEST_RANGE:
        raise ValueError(f"lists.range: size {count} exceeds maximum allowed ({_LARGEST_RANGE})")
    return list(range(count))
