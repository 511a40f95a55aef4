"""What bundle.json says, as types.

The file is the contract with every client: which raw values go in, in which order and unit, what
comes out and what it means, which files belong to the model, and rows with known answers for a
self-test. ``bundle.schema.json`` is the same contract as JSON Schema, made from these types.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mltk.records import Metric, Threshold

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT_VERSION: Literal[1] = 1
MANIFEST_FILE = "bundle.json"

RawValue = str | float | tuple[float, ...] | None
"""What a client knows of a feature: none, where it is missing."""

DType = Literal["float32", "int32", "bool"]
Quantization = Literal["none", "float16", "uint16", "uint8"]

# Read by pydantic when it checks a file or makes the schema; the types themselves are plain.
_STRICT: dict[str, Any] = {"extra": "forbid", "use_attribute_docstrings": True}


@dataclasses.dataclass(frozen=True)
class Feature:
    """One value of a row, in the client's terms; it takes `columns` columns of the input."""

    __pydantic_config__: ClassVar = _STRICT

    name: str
    type: Literal["numeric", "categorical", "datetime", "text", "image", "sequence"] = "numeric"
    """A categorical column takes the index of the value in `values`. A datetime takes the days
    since 1970-01-01 and the seconds since midnight, as the clock of `timezone` shows them. A text
    takes the numbers of its first words, and 0 where there are no more (docs/features.md). An image
    takes its pixels row by row, a sequence its numbers, the latest last."""
    unit: str = ""
    description: str = ""
    values: tuple[str, ...] = ()
    """The vocabulary of a categorical column, in order."""
    minimum: float | None = None
    """Smallest value that is not an error; null when there is no bound."""
    maximum: float | None = None
    """Largest value that is not an error; null when there is no bound."""
    missing: str = "error"
    """What the graph does about a missing value, which a client gives as NaN: mean, median, ...;
    error, or nothing said: there must be a value."""
    columns: int = 1
    """How many columns of the input it takes."""
    timezone: str = ""
    """Whose clock tells the day and the seconds of a datetime (IANA). A time without an offset is
    what that clock shows."""
    time_format: str = ""
    """What a number means for a datetime: iso (a text is asked for), epoch or epoch_ms."""
    buckets: int = 0
    """The largest number that a word of a text may have."""
    shape: tuple[int, ...] = ()
    """Height and width of an image, and its channels where it has some."""


@dataclasses.dataclass(frozen=True)
class OutputMeaning:
    """What the numbers of an output say."""

    __pydantic_config__: ClassVar = _STRICT

    meaning: str = ""
    unit: str = ""
    classes: tuple[str, ...] = ()
    """Labels of the last axis, in order."""
    thresholds: tuple[Threshold, ...] = ()
    """From which values on to decide, as settled on validation rows."""


@dataclasses.dataclass(frozen=True)
class Lineage:
    """What the model was made from: the key of the training and the parts it is made of.

    Nothing here may differ between two runs with the same key, else their digests would differ.
    """

    __pydantic_config__: ClassVar = _STRICT

    key: str = ""
    key_parts: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class BundleDescription:
    """What the graph of a model cannot tell; all of it may be left out.

    `features` and `outputs` go by the name of the input and of the output.
    """

    name: str = "model"
    problem: str = ""
    description: str = ""
    features: Mapping[str, tuple[Feature, ...]] = dataclasses.field(default_factory=dict)
    outputs: Mapping[str, OutputMeaning] = dataclasses.field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    lineage: Lineage = Lineage()
    records: tuple[Mapping[str, RawValue], ...] = ()
    """The golden rows as a client knows them, where the columns are not the values themselves."""


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of the graph; an open dimension of `shape` is null, the first is the batch."""

    __pydantic_config__: ClassVar = _STRICT

    name: str
    shape: tuple[int | None, ...]
    dtype: DType
    features: tuple[Feature, ...] = ()


@dataclasses.dataclass(frozen=True)
class Output:
    """One output of the graph; an open dimension of `shape` is null, the first is the batch."""

    __pydantic_config__: ClassVar = _STRICT

    name: str
    shape: tuple[int | None, ...]
    dtype: DType
    meaning: str = ""
    unit: str = ""
    classes: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()


@dataclasses.dataclass(frozen=True)
class GoldenTensor:
    """Values in row-major order; float32 values are written exactly, NaN (no value) as null."""

    __pydantic_config__: ClassVar = _STRICT

    shape: tuple[int, ...]
    dtype: DType
    data: tuple[float | None, ...]


@dataclasses.dataclass(frozen=True)
class Golden:
    """Rows with the answers that a right runtime gives, up to rounding.

    The answers are Keras' own; for a quantized bundle they are those of the quantized weights.
    """

    __pydantic_config__: ClassVar = _STRICT

    inputs: dict[str, GoldenTensor]
    outputs: dict[str, GoldenTensor]
    records: tuple[dict[str, RawValue], ...] = ()
    """The rows as a client knows them, by feature: what makes the columns of an input must make the
    golden ones of these. Absent where the columns are the values themselves."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """One way to store the weights, as it was measured before the bundle was written."""

    __pydantic_config__: ClassVar = _STRICT

    quantization: Quantization
    weight_bytes: int
    max_relative_error: float | None
    """Largest error against exact weights, of the output's scale; null when not a number."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file of the bundle; `sha256` is in hexadecimal."""

    __pydantic_config__: ClassVar = _STRICT

    path: str
    bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The content of bundle.json."""

    __pydantic_config__: ClassVar = {**_STRICT, "title": "mltk TensorFlow.js bundle"}

    format_version: Literal[1]
    name: str
    problem: str
    """Kind of problem: regression, classification, ...; empty when not told."""
    description: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    metrics: tuple[Metric, ...]
    """Hold-out metrics of the model, the primary one first."""
    lineage: Lineage
    quantization: Quantization
    files: tuple[File, ...]
    """Every file beside bundle.json."""
    total_bytes: int
    """Size of all `files`: what a client downloads beside bundle.json."""
    golden: Golden
    quantization_trials: tuple[Trial, ...] = ()
    """What the storage of the weights was chosen from; absent when it was told."""

    def encode(self) -> bytes:
        """Give the canonical bytes: sorted keys, shortest exact numbers, one line."""
        told = dataclasses.asdict(self)
        if not self.quantization_trials:
            # Bundles that were told their storage stay what they were, for older readers too.
            del told["quantization_trials"]
        if not self.golden.records:
            del told["golden"]["records"]
        for feature in (each for port in told["inputs"] for each in port["features"]):
            for name in [name for name in _LATER if feature[name] == _LATER[name]]:
                del feature[name]
        text = json.dumps(
            told,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
        return text.encode() + b"\n"


_LATER = {
    field.name: field.default
    for field in dataclasses.fields(Feature)
    if field.name in ("missing", "columns", "timezone", "time_format", "buckets", "shape")
}
"""Fields of a feature that older readers do not know, and do without where they say nothing."""


def digest_of(content: bytes) -> str:
    """Give the digest of a bundle from the bytes of its bundle.json."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def decode(content: bytes) -> Manifest:
    """Read the bytes of a bundle.json; ValueError names what is not as it must be."""
    return reader().validate_python(json.loads(content, parse_constant=_refuse_constant))


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of bundle.json."""
    schema = reader().json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@functools.cache
def reader() -> TypeAdapter[Manifest]:
    """Give what reads a bundle.json; made once, which takes longer than to read many."""
    # Writing a bundle does without pydantic; only reading and the schema pay for it.
    from pydantic import TypeAdapter

    return TypeAdapter(Manifest)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")
