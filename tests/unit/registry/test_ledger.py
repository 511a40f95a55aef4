from __future__ import annotations

import re

import pytest

from mltk.errors import ConfigError, InfrastructureError, NotFound
from mltk.registry import Promotion, ledger
from mltk.registry.connection import Connection
from mltk.registry.failures import translated


def _entry(version: str, action: str = "promote") -> Promotion:
    return Promotion(action, version, None, "me", "2026-01-01T00:00:00Z", "", {"run": "r"})


def _written(*entries: Promotion) -> dict[str, str]:
    tags = {"owner": "someone"}
    for entry in entries:
        key, text = ledger.append(tags, entry)
        assert key not in tags
        tags[key] = text
    return tags


def test_entries_come_back_in_order_however_many_there_are() -> None:
    entries = [_entry(str(number)) for number in range(1, 13)]
    tags = _written(*entries)
    assert ledger.read(tags) == entries
    assert min(key for key in tags if key != "owner") == "mltk.ledger.000001"


@pytest.mark.parametrize(
    ("versions", "champion", "earlier"),
    [
        (["1"], "1", None),
        (["1", "2"], "2", "1"),
        (["1", "2", "2"], "2", "1"),
        (["1", "2", "1"], "1", "2"),
        # Rollbacks go further back each time, and a new promotion starts from there.
        (["1", "2", "3", "<2"], "2", "1"),
        (["1", "2", "3", "<2", "<1"], "1", None),
        (["1", "2", "3", "<2", "4"], "4", "2"),
        # Someone moved the alias in MLflow: what the ledger last named comes first.
        (["1", "2"], "7", "2"),
        ([], "7", None),
    ],
)
def test_a_rollback_takes_from_the_pile_of_promotions(
    versions: list[str], champion: str, earlier: str | None
) -> None:
    entries = [
        _entry(version.lstrip("<"), "rollback" if version.startswith("<") else "promote")
        for version in versions
    ]
    assert ledger.earlier(entries, champion) == earlier


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("sqllite:////tmp/x.db", "did you mean 'sqlite'"),
        ("file:///tmp/mlruns", "cannot keep models"),
        ("./mlruns", "cannot keep models"),
        ("sqlite:///mlflow.db", "is relative"),
    ],
)
def test_a_uri_that_mlflow_does_not_take_is_refused(uri: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(complaint)) as caught:
        Connection(uri, "e")
    assert caught.value.hint and "tracking.uri" in caught.value.hint


def test_passwords_are_not_shown() -> None:
    assert (
        str(Connection("postgresql://me:secret@host:5432/db", "e")) == "postgresql://host:5432/db"
    )


def test_failures_of_lower_layers_become_ours() -> None:
    with (
        pytest.raises(InfrastructureError, match="No space left"),
        translated("here"),
    ):
        raise OSError(28, "No space left on device")
    with pytest.raises(ZeroDivisionError), translated("here"):
        raise ZeroDivisionError
    with pytest.raises(NotFound, match="as it was"), translated("here"):
        raise NotFound("as it was")
