"""Where the embedded engine may differ from Tekton, and why. Nothing is here without a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.parity.picture import Difference


@dataclass(frozen=True)
class Allowed:
    """A place that may differ, as a regular expression of ``CASE/PATH`` as a whole.

    `tekton` is one of what Tekton says there, when that matters.
    """

    place: str
    reason: str
    tekton: str = ".*"

    def covers(self, case: str, difference: Difference) -> bool:
        """Whether the difference is this one."""
        said = re.fullmatch(self.tekton, str(difference.cluster), re.DOTALL)
        return said is not None and re.fullmatch(self.place, case + difference.path) is not None


_NOT_THERE = "rejected-no-pipeline|rejected-no-task|unfit-no-task|nested-no-pipeline"

ALLOWED = (
    Allowed(
        r".*/metadata/annotations/pipeline\.tekton\.dev/release",
        "The release of an installed Tekton.",
    ),
    Allowed(
        r".*/metadata/annotations/pipeline\.tekton\.dev/affinity-assistant",
        "What keeps pods that share a volume on one node; the embedded engine has one node.",
    ),
    Allowed(
        r".*/metadata/annotations/mltk\.dev/cache-key",
        "The embedded engine's own: by it, a result is found again.",
    ),
    Allowed(
        r".*/status/(retriesStatus/\d+/)?steps/\d+/terminated/message",
        "How results leave a container; the embedded engine reads the files of the results.",
        tekton=r'\[\{"key":.*',
    ),
    Allowed(
        r"resolver-.*/status/(steps/\d+/)?provenance/refSource/(uri|digest/sha256)",
        "The uid of a Task or a Pipeline, and a digest of how the engine writes it.",
    ),
    Allowed(
        rf"({_NOT_THERE})/run/status/conditions/0/message",
        "Both say what is not there; Tekton says it in the words of its client.",
    ),
    Allowed(
        r"results-of-wrong-type/taskRuns/.*-no-key/status/conditions/0/message",
        "Tekton counts the results of an embedded Task twice, and so the keys that are missing.",
        tekton=r".*\[b b\].*",
    ),
    Allowed(
        r"env-gone/run/status/(completionTime|conditions/0/message|podName|steps.*)",
        "The run says which ConfigMap is not there; in Tekton only the waiting container does.",
    ),
    Allowed(
        r"sidecars(-fields|-hooks|-of-run|-probes)?/.*status/sidecars/\d+/(running|terminated)",
        "Tekton tells how a sidecar stood when the last step ended, and its end only later.",
    ),
    Allowed(
        r"sidecar-fails/run/status/conditions/0/(message|reason|status)",
        "Tekton may hear that the last step ended before it hears that the pod failed.",
        tekton="All Steps have completed executing|Succeeded|True",
    ),
    Allowed(
        r"step-results-too-large/run/status/(results|steps/\d+/(terminationReason|terminated/message))",
        "Tekton writes results of the Task and of the step one after the other, and Kubernetes cuts"
        " them off in the middle: then nothing is told of any step. The engine tells what fits.",
    ),
    Allowed(
        r"working-dir/run/status/.*",
        "A relative folder is taken by Tekton, which makes it below /workspace, and refused by the"
        " containerd of the test node; the embedded engine does what Tekton means.",
    ),
)


# The delivery of a model, here from a folder of this machine, there from git inside the cluster.
_EVERYWHERE = tuple(row for row in ALLOWED if row.place.startswith(".*"))
ALLOWED_IN_DELIVERY = (
    *_EVERYWHERE,
    Allowed(
        r".*/metadata/(labels|annotations)/.*helm\.sh/.*",
        "Helm's mark on the Pipeline and the Tasks of the chart travels to what runs them.",
    ),
    Allowed(
        r".*/metadata/labels/app\.kubernetes\.io/(instance|managed-by)",
        "The chart's labels travel; nobody manages the shipped manifests here.",
    ),
    Allowed(
        r".*/status/provenance/featureFlags/setSecurityContext",
        "The test node's Tekton is set so, for pods that are held to `restricted`.",
    ),
    Allowed(
        r".*/metadata/annotations/mltk\.dev/shipped",
        "What came with mltk is marked where mltk itself keeps it up to date.",
    ),
    Allowed(
        r".*/spec/params/\d+/value",
        "The address of the project and of MLflow, the image, and the commit, which holds them.",
        tekton=r"git://source\..*|http://mltk-mlflow\..*|.*mltk:.*|[0-9a-f]{40}",
    ),
    Allowed(
        r".*-fetch-data/status/results/\d+/value",
        "The commit, which holds where the data is.",
        tekton=r"[0-9a-f]{40}",
    ),
    Allowed(
        r".*-report/status/results/\d+/value",
        "The id that MLflow gave its run.",
        tekton=r"[0-9a-f]{32}",
    ),
    Allowed(
        r".*-train-model/spec/computeResources/requests/.*",
        "What the tests ask for in the cluster, so that it fits on two cores.",
    ),
)


def surprises(
    case: str, found: Iterable[Difference], allowed: Iterable[Allowed] = ALLOWED
) -> list[Difference]:
    """The differences that nothing allows."""
    rows = tuple(allowed)
    return [each for each in found if not any(row.covers(case, each) for row in rows)]
