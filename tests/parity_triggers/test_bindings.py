"""What values of bindings come to: generated JSONPaths over an event, right ones and wrong ones."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

from mltk.tekton.triggers.bindings import Event, values
from mltk.tekton.triggers.errors import TriggerError
from tests.parity_triggers import judging

_VALUES, _NUMBER = 3000, 1
_BODY: dict[str, Any] = {
    "a": {
        "b": [1, 2.5, -3, 1e21, 1e-7, 123456789012, True, None, 's<&>\u2028é\n"q"'],
        "c": {"d": "e", "x.y": "dot", "n": 5},
    },
    "l": [
        {"k": "a", "n": 1, "t": True, "z": {"q": "1"}},
        {"k": "b", "n": 2},
        {"k": "a", "n": 3.5, "t": False},
        {"m": None},
    ],
    "n": [[1, 2], [], [3]],
    "null": None,
    "empty": "",
    "str": "plain",
    "e": {},
    "es": [],
}
_BODIES = [b"", b"{", b"[1]", b"null", b'"x"', b"NaN", b"1e999", b'{"a":"\\ud800"}', b"-0", b"{} x"]
_HEADER = {"X-Y": ["1", "2"], "Content-Type": ["a<b"]}
_BASES = (
    *("body", "body.a", "body.a.b", "body.a.c", "body.l", "body.n", "body.null", "body.str"),
    *("body.es", "body.e", "body.l[*]", "body.n[*]", "header", "header.x-y", "header.X-Y"),
    *("extensions", "extensions.u", "context", "context.eventID", "Body.a"),
)
_STEPS = (
    *(".a", ".b", ".c", ".k", ".n", ".d", ".x\\.y", "['k']", "['x.y']", "['x\\.y']", "[0]", "[1]"),
    *(
        "[-1]",
        "[-1:]",
        "[0:2]",
        "[::2]",
        "[1:]",
        "[:2]",
        "[5]",
        "[-9]",
        "[2:1]",
        "[*]",
        "[]",
        "[-]",
    ),
    *("[a]", "[0,1]", "['k','n']", "[0,9]", "[::0]", "[1:1]", "[?(@.k == 'a')]", "[?(@.k=='a')].n"),
    *('[?(@.k != "a")]', "[?(@.n == 1)]", "[?(@.n >= 2.0)]", "[?(@.n > 1.5)].k", "[?(@.t)]"),
    *("[?(@.t == true)]", "[?(@.zz)]", "[?(@.z.q)]", "[?(@.k[0])]", "[?(@.k =! 'a')]"),
    *("[?(@.k < 'b')]", "[?(@.m == 'x')]", "[?(@.k == 'a)')]", "[?(@.k == 'a'", "[?(@ == 1.0)]"),
    *(
        "[?(@)]",
        "[?()]",
        "[?(@.k == 'x' )]x",
        "..k",
        "...",
        "..[0]",
        " ",
        "$",
        "@",
        "'t'",
        ".",
        "+1",
    ),
    *('"u\\n"', " 5", " 5.5", " -", " true", " range", " end", " foo", "*", "!", "\\", "{", "}"),
    *("[0].b", "[\n]", "'x\\q'", "'a\\'b'", '"\\u00e9"', "'\\x41'", "[?(@.k == ..k)]"),
)
_FORMS = ("$(%s)", "$(%s)", "x $(%s) y", "$(%s)$(%s)", "$( $(%s) )", "$(%s")
_DECLARED: tuple[list[dict[str, str]], ...] = (
    [],
    [{"name": "p"}],
    [{"name": "p", "default": "DEFAULT"}, {"name": "o", "default": "$(body)"}],
)


def test_every_value_comes_to_what_it_comes_to_in_tekton() -> None:
    random = Random(_NUMBER)
    cases = [_case(random) for _ in range(_VALUES)]
    theirs = judging.ask({"params": case} for case in cases)

    differing = [
        (case, said, mine)
        for case, said in zip(cases, theirs, strict=True)
        if not _agree(said, mine := _ours(case))
    ]

    assert differing == []
    assert sum("values" in said for said in theirs) > _VALUES / 4


def _case(random: Random) -> dict[str, Any]:
    form = random.choice(_FORMS)
    value = form % tuple(_expression(random) for _ in range(form.count("%s")))
    whole = json.dumps(_BODY, ensure_ascii=False).encode()
    body = whole if random.random() < 0.95 else random.choice(_BODIES)
    return {
        "params": [{"name": "p", "value": value}],
        "declared": random.choice(_DECLARED),
        "body": base64.b64encode(body).decode(),
        "header": _HEADER,
        "extensions": random.choice([None, {"u": {"a": ["x", 1]}, "k": "v"}]),
    }


def _expression(random: Random) -> str:
    steps = "".join(random.choice(_STEPS) for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3])))
    form = random.choice(["%s", "%s", "%s", ".%s", "{.%s}", "{%s}", "$.%s"])
    return form % (random.choice(_BASES) + steps)


def _ours(case: dict[str, Any]) -> dict[str, Any]:
    body = base64.b64decode(case["body"])
    try:
        event = Event(body, case["header"], case["extensions"], "1234")
        given = [(param["name"], param["value"]) for param in case["params"]]
        return {"values": values(given, case["declared"], event)}
    except TriggerError as error:
        return {"error": str(error)}


def _agree(theirs: judging.Answer, mine: dict[str, Any]) -> bool:
    """Where both refuse a body that is no JSON, each says it in its own words."""
    if "panic" in theirs:
        return "error" in mine
    prefix = "failed to unmarshal request body: "
    if prefix in theirs.get("error", "") and prefix in mine.get("error", ""):
        return True
    return theirs == mine
