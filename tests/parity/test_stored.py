"""What Tekton's webhooks keep of an object is what stands in `stored`."""

from __future__ import annotations

import os

import pytest
import yaml

from mltk.tekton.objects import Obj
from tests.cluster.programs import Cluster
from tests.parity.stored import Stored, essence, stored, write


@pytest.mark.parametrize("case", stored(), ids=lambda case: case.path.stem)
def test_the_webhook_keeps_it_so(case: Stored, cluster: Cluster) -> None:
    words = ("create", "--dry-run=server", "-n", "default", "-o", "yaml", "-f", "-")
    kept: Obj = yaml.safe_load(cluster.kubectl(*words, stdin=yaml.safe_dump(case.given)))
    if os.environ.get("MLTK_REGENERATE"):
        write(case, essence(kept))
    else:
        assert essence(kept) == case.kept
