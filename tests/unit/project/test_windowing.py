"""What mltk.yaml may say of windows, and what is said of mistakes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from mltk.data.windows.periods import DAY, HOUR
from mltk.errors import ConfigError
from mltk.project.key import key_parts, policy
from mltk.project.load import parse
from mltk.project.spec import Model


def model(**windows: Any) -> Model:
    spec = {
        "problem": "regression",
        "data": {"path": "data/demand.csv"},
        "target": {"name": "load"},
        "features": [{"name": "temperature"}],
        "windows": {"every": "1d", "time_column": "when", **windows},
    }
    text = yaml.safe_dump({"project": "demo", "models": {"demand": spec}}, sort_keys=False)
    return parse(text).models["demand"]


def test_defaults() -> None:
    windows = model().windows
    assert windows is not None
    rules = windows.rules()
    assert (rules.allowed_lateness, rules.idle_after) == (0, None)
    assert (rules.catch_up, rules.min_rows) == ("latest", 10)
    assert rules.schedule.length == rules.schedule.every


def test_what_is_said() -> None:
    windows = model(allowed_lateness="6h", idle_after="2d", catch_up="none").windows
    assert windows is not None
    rules = windows.rules()
    assert (rules.allowed_lateness, rules.idle_after, rules.catch_up) == (6 * HOUR, 2 * DAY, "none")


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (
            {"every": "daily"},
            ":12: models.demand.windows.every: 'daily' is no length of time: write 15m",
        ),
        ({"length": "1h"}, "shorter than a step of 1d can be"),
        ({"timezone": "Europe/Berln"}, "is no time zone.*did you mean 'Europe/Berlin'"),
        ({"timezone": "../etc/passwd"}, "is no time zone"),
        ({"origin": "2026-01-01T00:00:00Z"}, "is no local time"),
        ({"origin": "0001-01-01"}, "outside of the years"),
        ({"allowed_lateness": "1mo"}, "'1mo' has no fixed length: write days, as in 30d"),
        ({"catch_up": "some"}, "must be 'all', 'latest' or 'none'"),
        ({"min_rows": 3}, "must be at least 10"),
        ({"lenght": "7d"}, "unknown key 'lenght'.*did you mean 'length'"),
        ({"every": "0d"}, "must be more than nothing"),
    ],
)
def test_mistakes(windows: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        model(**windows)


def test_windows_change_neither_key_nor_policy() -> None:
    one, other = model(), model(every="1w", allowed_lateness="1d")
    assert key_parts("demand", one, "rows:1") == key_parts("demand", other, "rows:1")
    assert policy(one) == policy(other)


def test_another_place_of_windows_is_another_geometry() -> None:
    def geometry(**windows: Any) -> str:
        found = model(**windows).windows
        assert found is not None
        return found.rules().geometry

    assert geometry() == geometry(allowed_lateness="1d", catch_up="all")
    others = [{"every": "2d"}, {"length": "2d"}, {"timezone": "Europe/Berlin"}]
    others += [{"origin": "2026-01-01"}, {"time_column": "then"}, {"time_format": "epoch"}]
    assert len({geometry(), *(geometry(**each) for each in others)}) == 7
