"""Fields that a feature flag must allow (the calls of ``ValidateEnabledAPIFields`` in Tekton)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mltk.tekton.config import FeatureFlags

# Field of a shape -> the feature's name in Tekton's message, and its level.
LEVELS: dict[tuple[str, str], tuple[str, str]] = {
    ("TaskRef", "resolver"): ("taskref.resolver", "beta"),
    ("TaskRef", "params"): ("taskref.params", "beta"),
    ("PipelineRef", "resolver"): ("resolver", "beta"),
    ("PipelineRef", "params"): ("resolver params", "beta"),
    ("PipelineTask", "onError"): ("OnError", "beta"),
    ("PipelineTask", "matrix"): ("matrix", "beta"),
    ("PipelineTask", "pipelineRef"): ("pipelineRef", "alpha"),
    ("PipelineTask", "pipelineSpec"): ("pipelineSpec", "alpha"),
    ("Step", "workspaces"): ("step workspaces", "beta"),
    ("Step", "stdoutConfig"): ("step stdout stream support", "alpha"),
    ("Step", "stderrConfig"): ("step stderr stream support", "alpha"),
    ("TaskRunSpec", "stepSpecs"): ("stepSpecs", "beta"),
    ("TaskRunSpec", "sidecarSpecs"): ("sidecarSpecs", "beta"),
    ("TaskRunSpec", "computeResources"): ("computeResources", "beta"),
    ("TaskRun", "stepSpecs"): ("stepSpecs", "beta"),
    ("TaskRun", "sidecarSpecs"): ("sidecarSpecs", "beta"),
    ("TaskRun", "computeResources"): ("computeResources", "beta"),
    ("TaskRun", "debug"): ("debug", "alpha"),
}
# What may not stand inside, by what holds it, when `disable-inline-spec` names that.
_INLINE: dict[tuple[str, str], str] = {
    ("PipelineTask", "taskSpec"): "pipeline",
    ("PipelineTask", "pipelineSpec"): "pipeline",
    ("PipelineRun", "pipelineSpec"): "pipelinerun",
    ("TaskRun", "taskSpec"): "taskrun",
}


def refusal(shape: str, name: str, holder: Mapping[str, Any], flags: FeatureFlags) -> str:
    """Why a field may not be used as the flags are; empty when it may."""
    if (shape, name) in LEVELS and holder[name]:
        return flags.lacks(*LEVELS[shape, name])
    if (shape, name) in _INLINE and flags.forbids_inline(_INLINE[shape, name]):
        return "must not set the field(s): the feature flag disable-inline-spec forbids it"
    if (shape, name) == ("ParamSpec", "enum") and holder[name] and not flags.param_enum:
        return "feature flag `enable-param-enum` should be set to true to use Enum"
    if (shape, name) == ("When", "cel") and holder[name] and not flags.cel:
        return (
            "feature flag enable-cel-in-whenexpression should be set to true to use CEL: "
            f"{holder[name]} in WhenExpression"
        )
    return ""
