"""The model meets the champion: both bundles in Node.js, on the same hold-out rows."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from mltk.data.arrays import Array, Outputs
from mltk.errors import ConfigError, NotFound, StepError
from mltk.gate import rows as same
from mltk.gate.comparable import difference, later_window
from mltk.gate.contest import counts_tries, of_all, of_slices
from mltk.records import Trial
from mltk.registry import ModelVersion, Registry
from mltk.registry.tries import enter
from mltk.steps.holdout import HoldOut
from mltk.steps.judge import Encounter
from mltk.tfjs import Bundle, predict_bundle, read_bundle


@dataclasses.dataclass(frozen=True)
class Challenger:
    """The model that is judged: its name in the registry, its bundle, and the window it is of."""

    name: str
    bundle: Bundle
    window: str
    hold_out: HoldOut


def meet_champion(registry: Registry, challenger: Challenger) -> Encounter | None:
    """Hold the bundle against the champion on the hold-out rows; None without a champion."""
    champion = registry.champion(challenger.name)
    if champion is None:
        return None
    if champion.digest == challenger.bundle.digest:
        return Encounter(champion.version, identical=True)
    if late := later_window(champion.lineage.window, challenger.window):
        return Encounter(champion.version, obstacle=late)
    said = _predict_both(registry, champion, challenger)
    if isinstance(said, str):
        return Encounter(champion.version, obstacle=said)
    trials, number = _judge(registry, champion, challenger, *said)
    return Encounter(champion.version, trials, number)


def _predict_both(
    registry: Registry, champion: ModelVersion, challenger: Challenger
) -> tuple[Outputs, Outputs] | str:
    """Ask both; a champion that cannot answer is an obstacle to the contest, not a failure."""
    hold_out, bundle = challenger.hold_out, challenger.bundle
    with tempfile.TemporaryDirectory(prefix="mltk-champion-") as scratch:
        folder = Path(scratch) / "bundle"
        try:
            registry.download(champion.name, champion.version, folder)
            rival = read_bundle(folder)
            if obstacle := difference(rival.manifest, bundle.manifest):
                return obstacle
            theirs = predict_bundle(folder, _questions(rival, hold_out), backend=hold_out.backend)
        except (NotFound, StepError) as error:
            return error.what
    inputs = hold_out.predictions.inputs
    return predict_bundle(bundle.folder, inputs, backend=hold_out.backend), theirs


def _questions(rival: Bundle, hold_out: HoldOut) -> dict[str, Array]:
    """What the champion is asked: the same rows, and as much noise as it takes."""
    widths = {port.name: port.shape[-1] or 1 for port in rival.manifest.inputs}
    seen, seed = hold_out.predictions, hold_out.spec.seed
    return hold_out.problem.inputs(widths, seen.features, seed=seed)


def _judge(
    registry: Registry,
    champion: ModelVersion,
    challenger: Challenger,
    ours: Outputs,
    theirs: Outputs,
) -> tuple[tuple[Trial, ...], int]:
    """Judge by the policy of mltk.yaml; the try is counted before anything is tested."""
    hold_out = challenger.hold_out
    gate, number = hold_out.spec.gate, 0
    if counts_tries(gate.champion):
        number = _enter(registry, champion, challenger)
    pair, slices = hold_out.pair(ours, theirs), hold_out.pairs(ours, theirs)
    try:
        whole = of_all(pair, gate, number, seed=hold_out.spec.seed)
    except ValueError as error:
        hint = "test: auto chooses one that fits"
        raise ConfigError(str(error), where="mltk.yaml: gate.champion.test", hint=hint) from None
    return (whole, *of_slices(slices, gate.champion)), number


def _enter(registry: Registry, champion: ModelVersion, challenger: Challenger) -> int:
    seen = challenger.hold_out.predictions
    rows = same.hold_out(seen.features, seen.y_true)
    sample = (rows.digest, rows.smallest)
    return enter(registry, champion, challenger.bundle.digest, sample, same.same_rows)
