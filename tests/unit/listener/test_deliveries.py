"""Which events count as one delivery."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mltk.listener.deliveries import delivery

HEADER = {"X-GitHub-Delivery": ["d-1"], "X-Hub-Signature-256": ["sha256=1"]}


def known(header: dict[str, list[str]], body: bytes = b"{}", **more: str) -> str | None:
    place = {"namespace": "default", "listener": "github", "url": "/", **more}
    return delivery(header=header, body=body, **place)


@given(st.binary(), st.binary(), st.text(), st.text())
def test_the_same_is_what_has_the_same_id_body_and_proof(
    body: bytes, other: bytes, proof: str, forged: str
) -> None:
    one = {"X-GitHub-Delivery": ["d"], "X-Hub-Signature-256": [proof]}
    two = {"x-github-delivery": ["d"], "x-hub-signature-256": [forged]}
    assert (known(one, body) == known(two, other)) == (body == other and proof == forged)


def test_a_delivery_is_to_one_listener() -> None:
    assert known(HEADER) != known(HEADER, listener="gitlab")
    assert known(HEADER) != known(HEADER, url="/other")


def test_what_has_no_id_is_never_a_repetition() -> None:
    assert known({"X-Hub-Signature-256": ["sha256=1"]}) is None
    assert known({"Ce-Id": ["1"]}) is None  # of a CloudEvent id and source tell it
    assert known({"Ce-Id": ["1"], "Ce-Source": ["a"]}) != known(
        {"Ce-Id": ["1"], "Ce-Source": ["b"]}
    )


def test_ids_of_two_hosts_are_not_mixed_up() -> None:
    assert known({"X-GitHub-Delivery": ["1"]}) != known({"X-Gitlab-Event-UUID": ["1"]})
