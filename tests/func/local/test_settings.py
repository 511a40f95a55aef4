"""Tekton's own ConfigMaps, applied to the store of this machine."""

from __future__ import annotations

from typing import Any

import pytest

from mltk.errors import AdmissionError
from mltk.tekton.objects import Obj, reason

from .conftest import Local, pipeline_run, task


def settings(name: str, **data: str) -> Obj:
    keyed = {key.replace("_", "-"): value for key, value in data.items()}
    metadata = {"name": name, "namespace": "tekton-pipelines"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": keyed}


def test_settings_count_for_what_comes_after(local: Local) -> None:
    run: dict[str, Any] = pipeline_run("r", task("a", "true", onError="continue"))
    local.backend.apply([settings("feature-flags", enable_api_fields="stable")])
    with pytest.raises(AdmissionError, match='but it is "stable"'):
        local.backend.create(run)
    local.backend.apply(
        [
            settings("feature-flags", enable_api_fields="alpha"),
            settings("config-defaults", default_timeout_minutes="7"),
        ]
    )
    done = local.run(run)
    assert reason(done) == "Succeeded"
    assert done["spec"]["timeouts"] == {"pipeline": "7m0s"}
    made = local.task_run("r-a")
    assert made["spec"]["timeout"] == "7m0s"
    flags = [obj["status"]["provenance"]["featureFlags"] for obj in (done, made)]
    assert [found["enableAPIFields"] for found in flags] == ["alpha", "alpha"]


def test_settings_that_tekton_refuses_are_not_kept(local: Local) -> None:
    with pytest.raises(AdmissionError, match="invalid value for feature flag"):
        local.backend.apply([settings("feature-flags", coschedule="never")])
    assert not local.backend.list("cm")
