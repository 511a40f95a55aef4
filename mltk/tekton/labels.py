"""Labels and annotations by which Tekton's objects name one another (docs/labels.md there)."""

from __future__ import annotations

PIPELINE = "tekton.dev/pipeline"
PIPELINE_RUN = "tekton.dev/pipelineRun"
PIPELINE_RUN_UID = "tekton.dev/pipelineRunUID"
PIPELINE_TASK = "tekton.dev/pipelineTask"
MANAGED_BY = "app.kubernetes.io/managed-by"
MEMBER_OF = "tekton.dev/memberOf"
TASK = "tekton.dev/task"

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "tekton-pipelines"
"""Whom every TaskRun names as its manager, unless it names another (docs/labels.md)."""

ON_ERROR = "pipeline.tekton.dev/pipeline-task-on-error"
"""Annotation of a TaskRun whose failure its Pipeline ignores."""
