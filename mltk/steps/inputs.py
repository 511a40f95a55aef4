"""What bundle.json tells clients of the features, and its golden rows as clients know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mltk.data import dates
from mltk.data.arrays import Array
from mltk.data.table import encoded
from mltk.project.blocks import Image, Series
from mltk.project.features import Categorical, Datetime, Feature, Numeric, Text, starts
from mltk.tfjs import manifest

Records = tuple[Mapping[str, manifest.RawValue], ...]

_ODD = (
    *("Straße", "naïve", "e\u0301tude", "İstanbul", "ΟΔΟΣ", "don't", "ﬁne", "x²", "\uff11\uff12"),
    *("数据", "हिन्दी", "Ǆ", "A-1", "😀", "½", "ไทย", "Ⅷ", "\u200bzero"),
)
_BETWEEN = (" ", ", ", "\u00a0", "\n", "/", "…")
_PER_SECOND = {"epoch": 1, "epoch_ms": 1000}


def described(feature: Feature) -> manifest.Feature:
    """Describe a feature for clients."""
    told: dict[str, Any] = {}
    if isinstance(feature, Numeric | Image | Series):
        told = {"minimum": feature.min, "maximum": feature.max}
    elif isinstance(feature, Categorical):
        told = {"values": feature.values}
    elif isinstance(feature, Text):
        told = {"buckets": feature.buckets}
    elif isinstance(feature, Datetime):
        told = {"timezone": feature.timezone, "time_format": feature.time_format}
    if isinstance(feature, Image):
        told["shape"] = feature.shape
    return manifest.Feature(
        feature.name,
        feature.type,
        feature.unit,
        feature.description,
        columns=feature.width,
        missing=feature.missing,
        **told,
    )


def invented_rows(known: Array, count: int, seed: int, features: Sequence[Feature] = ()) -> Array:
    """Give `count` rows [count, W] whose values are each drawn from a column of `known` [n, W].

    Everyone who can load a bundle can read its self-test. Values that belong to no one row keep
    the types and ranges of the data without publishing a record of somebody. The columns of a time
    or a text of `features` are missing together, and so are drawn from one row.
    """
    chosen = np.random.default_rng(seed).integers(0, len(known), size=(count, known.shape[1]))
    for start, feature in starts(features):
        if isinstance(feature, Datetime | Text):
            chosen[:, start : start + feature.width] = chosen[:, start : start + 1]
    return np.take_along_axis(known, chosen, axis=0)


def as_sent(features: Sequence[Feature], invented: Array) -> tuple[Array, Records]:
    """Give invented rows [n, W] for the self-test, and the records that a client makes them of.

    A value is missing at least once wherever one may be. There are no records where the columns are
    the values themselves.
    """
    rows = invented.copy()
    gaps = [start for start, each in starts(features) if each.missing != "error"]
    for turn, start in enumerate(gaps):
        rows[turn % len(rows), start] = np.nan
    records = [_record(features, row, turn) for turn, row in enumerate(rows)]
    if not any(isinstance(feature, Datetime | Text) for feature in features):
        return rows, ()
    for start, feature in starts(features):
        for row, record in zip(rows, records, strict=True):
            row[start : start + feature.width] = _columns(feature, record[feature.name])
    return rows, tuple(records)


def _record(features: Sequence[Feature], row: Array, turn: int) -> dict[str, manifest.RawValue]:
    return {
        feature.name: _value(feature, row[start : start + feature.width].tolist(), turn)
        for start, feature in starts(features)
    }


def _value(feature: Feature, columns: Sequence[float], turn: int) -> manifest.RawValue:
    if np.isnan(columns).any():
        return None
    if isinstance(feature, Text):
        return _text(turn)
    if isinstance(feature, Image | Series):
        return tuple(columns)
    if isinstance(feature, Datetime):
        return _time(feature, columns[0], columns[1], turn)
    return feature.values[int(columns[0])] if isinstance(feature, Categorical) else columns[0]


def _time(feature: Datetime, day: float, second: float, turn: int) -> str | float:
    """A time in the feature's format; of those in ISO 8601 every other one has an offset."""
    if feature.time_format == "iso":
        return dates.iso(day, second) + "Z" * (turn % 2)
    return (day * dates.DAY + round(second)) * _PER_SECOND[feature.time_format]


def _text(turn: int) -> str:
    """Words of no one's texts, the harder to read alike the better."""
    return _BETWEEN[turn % len(_BETWEEN)].join(
        _ODD[(5 * turn + 7 * place) % len(_ODD)] for place in range(1 + 3 * turn % 8)
    )


def _columns(feature: Feature, value: manifest.RawValue) -> Array:
    """The columns of a value, made as those of a cell are."""
    if value is None:
        return np.full(feature.width, np.nan)
    if isinstance(value, tuple):
        return np.array(value, dtype=np.float32)
    cell = value if isinstance(value, str) else f"{value:.17g}"
    columns, _ = encoded(feature, [cell], [1])
    return np.asarray(columns, dtype=np.float32).reshape(-1)
