"""What the steps of a run write for one another: small frozen values, JSON on disk.

A step reads the records of the steps before it from the run's workspace and writes its own; a
record never holds more than references, numbers and short texts.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any, ClassVar, Self

from mltk.errors import StepError


@dataclasses.dataclass(frozen=True)
class Record:
    """A value with a file name; nested records and tuples survive the round trip."""

    filename: ClassVar[str] = ""

    def write(self, folder: Path) -> None:
        """Write the record into `folder`, whole or not at all."""
        path = folder / self.filename
        draft = path.with_name(path.name + ".part")
        draft.write_text(dumps(dataclasses.asdict(self)), encoding="utf-8")
        draft.replace(path)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record from `folder`; StepError when the step that writes it has not run."""
        path = folder / cls.filename
        try:
            return cls.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StepError(
                f"{cls.filename} is missing: the step that writes it has not run", where=str(folder)
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StepError(
                f"{cls.filename} is not as the step writes it",
                where=str(path),
                hint="run the step that writes it again",
            ) from None

    @classmethod
    def loads(cls, text: str) -> Self:
        """Build the record from JSON; any of Python's errors for what is none of this kind."""
        return typing.cast(Self, _build(cls, json.loads(text)))


def dumps(value: Any) -> str:
    """JSON with sorted keys, so that the same value always gives the same bytes."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _build(kind: Any, value: Any) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return (
            None if value is None else _build(next(a for a in args if a is not type(None)), value)
        )
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{key: _build(hints[key], item) for key, item in value.items()})
    if origin is tuple:
        return tuple(_build(args[0], item) for item in value)
    if origin is dict:
        return {key: _build(args[1], item) for key, item in value.items()}
    return value


@dataclasses.dataclass(frozen=True)
class Source(Record):
    """fetch: what was checked out. `key_parts` is what the key is made of, by part.

    `window` names the time window whose rows were kept, empty for the whole table; `data_version`
    is that of those rows. `parameters` take the place of those of mltk.yaml, and count in the key.
    """

    filename: ClassVar[str] = "source.json"

    repository: str
    revision: str
    model: str
    data_path: str
    data_version: str
    key: str
    key_parts: dict[str, str]
    window: str = ""
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ColumnSummary:
    """One column as it was found. `minimum`/`maximum` are None for what holds no numbers.

    `distinct` values are there, and `missing` rows have none.
    """

    name: str
    type: str
    minimum: float | None
    maximum: float | None
    distinct: int
    missing: int = 0


@dataclasses.dataclass(frozen=True)
class TableReport(Record):
    """validate: the table that passed, and what is worth a look (`warnings`).

    `classes` are the labels of a classification in the order of the output, else empty; `labels`
    are the two values of each target that is a label, by name.
    """

    filename: ClassVar[str] = "table.json"

    rows: int
    columns: tuple[ColumnSummary, ...]
    warnings: tuple[str, ...]
    classes: tuple[str, ...] = ()
    labels: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Splits(Record):
    """validate: which rows (0 is the first after the header) train, stop training, and judge."""

    filename: ClassVar[str] = "splits.json"

    train: tuple[int, ...]
    validation: tuple[int, ...]
    holdout: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class TrainingReport(Record):
    """train: the curves (one number an epoch, by name) and what they cost.

    `key` is that of what was learnt from, `model_md5` the digest of the model file. `start` is the
    digest of the bundle whose weights it started from, empty for a fresh start; `fresh_because`
    says why it was one although another was asked for. `hardware` is what it ran on (`1 GPU`,
    `2 threads`); `utilisation` is the share of its threads that was used.
    """

    filename: ClassVar[str] = "training.json"

    curves: dict[str, tuple[float, ...]]
    best_epoch: int
    parameters: int
    seconds: float
    key: str = ""
    model_md5: str = ""
    start: str = ""
    fresh_because: str = ""
    hardware: str = ""
    examples_per_second: float | None = None
    utilisation: float | None = None


@dataclasses.dataclass(frozen=True)
class Start(Record):
    """start: the registered bundle whose weights a training starts from.

    `classes` are those of each output; its weights lie beside the record.
    """

    filename: ClassVar[str] = "start.json"

    digest: str
    version: str
    classes: dict[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Environment(Record):
    """train: what the training ran in; `packages` are those that it computes with, by name."""

    filename: ClassVar[str] = "environment.json"

    python: str
    platform: str
    processor: str
    packages: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Metric:
    """One hold-out metric with its 95 % confidence interval."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    greater_is_better: bool


@dataclasses.dataclass(frozen=True)
class Threshold:
    """From which value of an output on to decide, settled on `rows` validation rows.

    `side` is where the decision lies, `below` or `above` of `value`; `quantile` is the share of the
    validation rows below the value where that is how it was chosen.
    """

    name: str
    output: str
    value: float
    side: str
    rows: int
    quantile: float | None = None
    description: str = ""


@dataclasses.dataclass(frozen=True)
class Evaluation(Record):
    """evaluate: metrics of the Keras model on the hold-out rows, the primary one first.

    `baselines` gives the same metrics for simpler models, by baseline (`trivial` is always there)
    and name.
    """

    filename: ClassVar[str] = "evaluation.json"

    rows: int
    metrics: tuple[Metric, ...]
    baselines: dict[str, dict[str, float]]
    thresholds: tuple[Threshold, ...] = ()

    @property
    def primary(self) -> Metric:
        """The metric by which models are compared."""
        return self.metrics[0]


@dataclasses.dataclass(frozen=True)
class BackendCheck:
    """How far one JavaScript backend is from Keras over `rows` rows.

    `max_relative_error` is the largest absolute error divided by the largest absolute output.
    """

    backend: str
    rows: int
    max_absolute_error: float
    max_relative_error: float


@dataclasses.dataclass(frozen=True)
class Verification(Record):
    """verify: the proof in the real runtime."""

    filename: ClassVar[str] = "verification.json"

    digest: str
    runtime: dict[str, str]
    backends: tuple[BackendCheck, ...]


@dataclasses.dataclass(frozen=True)
class Check:
    """One question of the gate: its limit, what was found, and the answer in words.

    `rule` says how value and limit are compared. `low` and `high` are the interval of the value
    where it has one, at `confidence` (of both sides together), found on `rows`. What could not be
    asked is not `judged` and counts as passed.
    """

    name: str
    passed: bool
    value: float | None
    limit: float | None
    reason: str
    rule: str = ""
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    rows: int | None = None
    judged: bool = True


@dataclasses.dataclass(frozen=True)
class Trial:
    """The model against the champion on the same rows: all of the hold-out, or those of a slice.

    `improvement` is positive when the challenger is better, whichever way the metric points; `low`
    and `high` are its interval at `confidence`. `p_value` belongs to the one-sided `test` of
    whether it is more than `bound` (of a slice: less), and `alpha` is the most that it may be.
    `passed` is false for what speaks against the promotion. Numbers are None where nothing could be
    tested; `reason` says why.
    """

    name: str
    metric: str
    rows: int
    rule: str
    passed: bool
    reason: str
    test: str = ""
    challenger: float | None = None
    champion: float | None = None
    improvement: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    bound: float | None = None
    p_value: float | None = None
    alpha: float | None = None


@dataclasses.dataclass(frozen=True)
class Verdict(Record):
    """gate: pass or fail, and whether the model should become champion.

    `note` is what people should know although the gate does not ask for it; may be empty. `trials`
    are those against the champion, the one on all rows first; `tries` tells the how manieth model
    this is that meets this champion on these rows, 0 where nobody counts.
    """

    filename: ClassVar[str] = "verdict.json"

    verdict: str
    promote: bool
    promote_reason: str
    checks: tuple[Check, ...]
    champion_version: str | None
    note: str = ""
    trials: tuple[Trial, ...] = ()
    tries: int = 0


@dataclasses.dataclass(frozen=True)
class Registration(Record):
    """register: the version in the registry. `created` is False when the digest was there."""

    filename: ClassVar[str] = "registration.json"

    name: str
    version: str
    digest: str
    alias: str
    created: bool
    run_id: str


@dataclasses.dataclass(frozen=True)
class Original(Record):
    """recall: a model of before, as it was recorded; its bundle lies beside the record, if kept.

    `reference` names it for people. `damage` says how the stored bundle differs from what was
    registered, empty when it does not; `environment` is None where none was recorded.
    """

    filename: ClassVar[str] = "original.json"

    reference: str
    digest: str
    data_version: str
    key_parts: dict[str, str]
    metrics: dict[str, float]
    environment: Environment | None
    damage: str = ""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was recorded and found again, or not; `difference` where it is a number."""

    name: str
    recorded: str
    found: str
    same: bool
    difference: float | None = None


@dataclasses.dataclass(frozen=True)
class Reproduction(Record):
    """compare: whether a training gave the same model again: identical, equal or different.

    Equal are models whose answers and metrics are within `tolerance` of the recorded ones.
    `findings` are what that rests on, `causes` what may explain a difference.
    """

    filename: ClassVar[str] = "reproduction.json"

    reference: str
    verdict: str
    reason: str
    tolerance: float
    digest: str
    findings: tuple[Finding, ...]
    causes: tuple[Finding, ...]

    @property
    def reproduced(self) -> bool:
        """Whether it is the same model, up to rounding."""
        return self.verdict != "different"
