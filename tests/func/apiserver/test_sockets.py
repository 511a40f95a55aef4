"""Watches by WebSocket, which is how the Tekton Dashboard follows runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .objects import CONFIGS, config
from .serving import Http

try:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect
except ModuleNotFoundError:
    pytest.skip(
        "WEBSOCKETS ARE NOT CHECKED: the package is not here; pip install '.[serve]'",
        allow_module_level=True,
    )


def opened(http: Http, path: str, **options: Any) -> Any:
    return connect(f"ws://127.0.0.1:{http.port}{path}", open_timeout=60, **options)


def test_each_event_is_a_message(http: Http) -> None:
    version = http.get(CONFIGS)["metadata"]["resourceVersion"]
    # As the Dashboard asks, with a slash behind the kind.
    with opened(http, f"{CONFIGS}/?watch=true&resourceVersion={version}") as socket:
        http.make(CONFIGS, config("a"))
        http.make(CONFIGS, config("b"))
        events = [json.loads(socket.recv(timeout=60)) for _ in range(2)]
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in events] == [
        ("ADDED", "a"), ("ADDED", "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        ("/nothing?watch=true", {}, 404),
        (CONFIGS, {}, 200),
        (f"{CONFIGS}?watch=true", {"origin": "https://attacker.example"}, 403),
    ],
)
def test_what_is_no_watch_opens_nothing(
    http: Http, path: str, options: dict[str, Any], code: int
) -> None:
    with pytest.raises(InvalidStatus) as failure:
        opened(http, path, **options)
    assert failure.value.response.status_code == code


def test_socket_ends_with_the_watch(http: Http) -> None:
    with opened(http, f"{CONFIGS}?watch=true&timeoutSeconds=1") as socket:
        assert list(socket) == []
