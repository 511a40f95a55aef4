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


_NOT_THERE = "rejected-no-pipeline|rejected-no-task|unfit-no-task"

ALLOWED = (
    Allowed(
        r".*/status/(retriesStatus/\d+/)?provenance",
        "The feature flags of an installed Tekton; the embedded engine has none.",
    ),
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
        r"working-dir/run/status/.*",
        "A relative folder is taken by Tekton, which makes it below /workspace, and refused by the"
        " containerd of the test node; the embedded engine does what Tekton means.",
    ),
)


def surprises(case: str, found: Iterable[Difference]) -> list[Difference]:
    """The differences that nothing allows."""
    return [each for each in found if not any(row.covers(case, each) for row in ALLOWED)]
