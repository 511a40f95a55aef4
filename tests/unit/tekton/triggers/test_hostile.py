"""Whatever comes, a listener answers, and takes nothing that is not signed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mltk.tekton.triggers.interceptors.payloads import Repository
from mltk.tekton.triggers.interceptors.remote import Reply

from .test_sink import INTERCEPTOR, TEMPLATE, URL, Obj, World

pytest.importorskip("cel_expr_python", reason="CEL needs the package cel-expr-python")

_TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["$(params.x)", "http://[::1", "a: [b", "&a [*a]", '{"a": 1}', "a" * 5000]),
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)
_NAMES = ("repository", "commits", "number", "full_name", "added", "a", "ref")
_BODIES = st.one_of(
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(_NAMES), _VALUES).map(lambda found: json.dumps(found).encode()),
    st.sampled_from([b"[" * 5000, b'{"a":' * 600 + b"1" + b"}" * 600, b"[" * 900 + b"]" * 900]),
)
_HEADERS = st.dictionaries(
    st.sampled_from(
        (
            *("Content-Type", "X-Github-Event", "X-Hub-Signature-256", "X-Hub-Signature"),
            *("X-Gitlab-Token", "X-Slack-Signature", "Ce-Specversion", "content-type"),
        )
    ),
    st.lists(
        st.sampled_from(
            (
                *("application/x-www-form-urlencoded", "push", "pull_request", "1.0"),
                *("sha256=00", "\udcff"),
            )
        )
        | st.text(max_size=10),
        max_size=2,
    ),
)
_SECRET = {"name": "secretRef", "value": {"secretName": "git", "secretKey": "token"}}
_EXPRESSIONS = (
    *("body", "body.marshalJSON()", "body.a.parseYAML()", "body.a.parseURL()", "body.a.sort()"),
    *("body.a.translate('(a+)+$', 'x')", "lists.range(int(body.a))", "body.a.truncate(3)"),
    *("'%s %d'.format([body.a, body.ref])", "body.a.parseJSON()", "body.a.split('')"),
)


def _ref(name: str, *params: Obj) -> Obj:
    return {"ref": {"name": name}, "params": list(params)}


def _trigger(name: str, *chain: Obj) -> Obj:
    bindings = [{"name": "ref", "value": "$(body) $(body.ref) $(extensions.a[0].b)"}]
    template = {"spec": TEMPLATE["spec"] | {"params": [{"name": "ref", "default": "x"}]}}
    return {"name": name, "interceptors": list(chain), "bindings": bindings, "template": template}


_SIGNED = ("github", "gitlab", "bitbucket")
_HOOK = {"webhook": {"url": "http://hook/"}}
_SPEC: Obj = {
    "triggers": [
        *(_trigger(name, _ref(name, _SECRET)) for name in _SIGNED),
        _trigger("files", _ref("github", {"name": "addChangedFiles", "value": {"enabled": True}})),
        _trigger("form", _ref("slack", {"name": "requestedFields", "value": ["a"]})),
        *(
            _trigger(
                expression,
                _ref(
                    "cel", {"name": "overlays", "value": [{"key": "a", "expression": expression}]}
                ),
                _ref("ours"),
                _HOOK,
            )
            for expression in _EXPRESSIONS
        ),
    ]
}


class _Anyone:
    """A GitHub where everything is empty."""

    def changed_files(self, repository: Repository, number: int) -> Sequence[str]:
        return ()

    def organization_members(self, owner: str) -> Sequence[str]:
        return ()

    def collaborators(self, repository: Repository) -> Sequence[str]:
        return ()

    def owners_file(self, repository: Repository) -> str | None:
        return None


@settings(max_examples=50, deadline=None)
@given(body=_BODIES, header=_HEADERS, answer=_BODIES, validated=st.booleans())
def test_whatever_comes_is_answered(
    body: bytes, header: dict[str, list[str]], answer: bytes, validated: bool
) -> None:
    servers = {URL: Reply(200, header, answer), "http://hook/": Reply(200, header, answer)}
    annotations = {} if validated else {"tekton.dev/payload-validation": "false"}

    handled = World([INTERCEPTOR], servers, github=_Anyone()).handle(
        _SPEC, body, header, annotations
    )

    assert handled.answer.status in (202, 400)
    assert [each for each in handled.outcomes if each.trigger in _SIGNED and each.objects] == []


def test_many_nulls_do_not_end_the_process() -> None:
    body: dict[str, Any] = {"a": [None] * 30_000}
    program = (
        "import json, sys\n"
        "from mltk.tekton.triggers.interceptors import cel\n"
        "from mltk.tekton.triggers.interceptors.protocol import Request\n"
        "overlays = [{'key': 'k', 'expression': 'body.a'}]\n"
        "asked = Request(body=sys.stdin.read(), params={'overlays': overlays})\n"
        "for _ in range(3):\n"
        "    found = cel.process(asked, lambda namespace, name: None)\n"
        "print(len(found.extensions['k']))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(body),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "30000\n", "")
