"""Runs that nobody wrote end the same on both engines.

``make parity-generated RUNS=500 NUMBER=1`` plays many; what differs is kept as a case.
"""

from __future__ import annotations

import pytest
import yaml

from tests.parity.allowed import surprises
from tests.parity.generated import generated
from tests.parity.stages import Stages


def test_generated_runs_end_as_in_tekton(stages: Stages, request: pytest.FixtureRequest) -> None:
    cases = generated(request.config.getoption("--runs"), request.config.getoption("--number"))
    found = stages.compare(cases)
    told = [
        "\n".join([yaml.safe_dump(case.run, sort_keys=False), *map(str, unexpected)])
        for case in cases
        if (unexpected := surprises(case.name, found[case.name]))
    ]
    assert not told, f"{len(told)} of {len(cases)} runs differ; keep them:\n" + "\n".join(told)
