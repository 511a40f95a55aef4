"""Runs that nobody wrote end the same on both engines.

``make parity-generated RUNS=500 NUMBER=1`` plays many; what differs is kept as a case.
"""

from __future__ import annotations

import pytest
import yaml

from tests.parity.allowed import surprises
from tests.parity.conftest import Stages
from tests.parity.generated import generated
from tests.parity.picture import differences


def test_generated_runs_end_as_in_tekton(stages: Stages, request: pytest.FixtureRequest) -> None:
    cases = generated(request.config.getoption("--runs"), request.config.getoption("--number"))
    ours, theirs = stages.play(cases)
    found = {
        case.name: (case, surprises(case.name, differences(ours[case.name], theirs[case.name])))
        for case in cases
    }
    told = [
        "\n".join([yaml.safe_dump(case.run, sort_keys=False), *map(str, unexpected)])
        for case, unexpected in found.values()
        if unexpected
    ]
    assert not told, f"{len(told)} of {len(cases)} runs differ; keep them:\n" + "\n".join(told)
