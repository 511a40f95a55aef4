"""What keeps a TaskRun of a cluster from starting, in one line: pure, from Tekton's own words.

The words are those of the scheduler, the quota admission and the kubelet (Kubernetes) and of
pkg/pod/status.go and pkg/reconciler/taskrun (tektoncd/pipeline), which passes some of them on.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from mltk.tekton.objects import Obj, condition, is_done, is_success, message, reason, status_of

# Reasons of a TaskRun whose pod does not run yet; these two are what every one is at first.
_BEGINNING = ("Started", "Pending")
_BLOCKED = ("ExceededNodeResources", "ExceededResourceQuota", "PullImageFailed")
# Tekton says this much, and the rest is in the Events of the pod.
_BARE = ("TaskRun Pod exceeded available resources", "Failed to create pod due to config error")
_TELLING_EVENTS = ("FailedScheduling", "Failed", "FailedMount")


_PULLING = re.compile(
    r'(?:failed to pull the|pulling|pull and unpack|parse) image (?:name )?"(?P<name>[^"]+)"'
)
_LAYERS = re.compile(
    r'The pod errored with the message: |Back-off pulling image "[^"]+"'
    r'|ErrImagePull|failed to pull and unpack image "[^"]+"|failed to resolve reference "[^"]+"'
    r"|^[\s.:\"]+|(?<=:) *:"
)


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """`what` is in the way, in words that follow "it waits:"; `hint` says what to do about it."""

    what: str
    hint: str


def obstacle(task_run: Obj) -> Obstacle | None:
    """What a TaskRun waits for, or failed for without a step to blame; None for any other."""
    if not is_done(task_run):
        return _waits(task_run)
    return None if is_success(task_run) else read(message(task_run))


def _waits(task_run: Obj) -> Obstacle | None:
    if not is_pending(task_run):
        return None
    found = read(message(task_run))
    if found is None and reason(task_run) in _BLOCKED:
        return Obstacle(_one_line(message(task_run)), "mltk describe shows its Events")
    return found


def is_pending(task_run: Obj) -> bool:
    """Whether the pod of a TaskRun is not running yet."""
    return not is_done(task_run) and reason(task_run) in (*_BEGINNING, *_BLOCKED)


def is_unexplained(task_run: Obj) -> bool:
    """Whether Tekton says that something is in the way, but only the pod's Events say what."""
    return message(task_run) in _BARE


def explained(task_run: Obj, events: Sequence[Obj]) -> Obj:
    """The TaskRun with what the newest telling Event of its pod says in its condition's message.

    `events` may be about other pods, too.
    """
    pod = status_of(task_run).get("podName")
    told = [
        each
        for each in events
        if each.get("reason") in _TELLING_EVENTS
        and each.get("involvedObject", {}).get("kind") == "Pod"
        and each["involvedObject"].get("name") == pod
    ]
    found = condition(task_run)
    if not told or found is None:
        return task_run
    words = f"{found.get('message', '')}: {told[-1].get('message', '')}"
    conditions = [{**found, "message": words}]
    return {**task_run, "status": {**status_of(task_run), "conditions": conditions}}


def read(text: str) -> Obstacle | None:
    """The obstacle that a message of Tekton or Kubernetes tells of, None when it tells of none."""
    plain = _one_line(text.replace('\\"', '"'))
    return next((found for rule in _RULES if (found := rule(plain)) is not None), None)


def _scheduling(text: str) -> Obstacle | None:
    # The sentence ends with a full stop; that of nvidia.com/gpu has no blank behind it.
    found = re.search(
        r'\d+/\d+ nodes are available: [^"]*?(?=\.?(?:\s+preemption:|"|$)|\.\s)', text
    )
    if found is None:
        return None
    words = found[0].rstrip(". ")
    resources = list(dict.fromkeys(re.findall(r"Insufficient ([^\s,.]+(?:\.[^\s,.]+)*)", words)))
    causes = [_lacking(each) for each in resources]
    causes += [cause for sign, cause in _CAUSES.items() if sign in words]
    return Obstacle(f"{', '.join(causes) or 'no node takes it'} ({words})", _scheduling_hint(words))


def _lacking(resource: str) -> str:
    # A device has the name of its maker in front: nvidia.com/gpu.
    return f"no node has a free {resource}" if "/" in resource else f"no node has enough {resource}"


_CAUSES = {
    "didn't match Pod's node affinity/selector": "no node has the labels that it asks for",
    "untolerated taint": "a node has a taint that it does not tolerate",
    "unschedulable": "a node is cordoned",
    "unbound immediate PersistentVolumeClaims": "its volume is not there yet",
    "didn't find available persistent volumes": "there is no free volume for it",
    "volume node affinity conflict": "its volume is on another node",
    "didn't match pod affinity rules": "it must go to the node of its volume",
}


def _scheduling_hint(words: str) -> str:
    if "Insufficient" in words:
        return (
            "it starts as soon as a node has room; else ask for less in `resources` of mltk.yaml,"
            " or add a node"
        )
    if "olume" in words:
        return "look at the volumes: kubectl get pvc,pv,storageclass"
    return "look at the nodes (kubectl describe nodes) and at `resources` in mltk.yaml"


def _quota(text: str) -> Obstacle | None:
    found = re.search(r"exceeded quota: ([^\s,]+), (requested: .*)", text)
    if found is None:
        return None
    return Obstacle(
        f"the quota {found[1]} of the namespace is used up ({found[2]})",
        f"it starts when other runs have ended; kubectl describe quota {found[1]} shows it",
    )


def _image(text: str) -> Obstacle | None:
    found = _PULLING.search(text)
    if found is None:
        return None
    name = found["name"]
    # What follows is said by each layer on its way up, and names the image every time.
    said = _LAYERS.sub("", text[found.end() :]).strip('". :')
    return Obstacle(
        f"the image {name} cannot be pulled" + (f" ({said})" if said else ""),
        "check its name and that the nodes may pull it (imagePullSecrets); the chart sets it, and"
        " cluster.image in mltk.yaml",
    )


def _config(text: str) -> Obstacle | None:
    found = re.search(r'(secret|configmap) "([^"]+)" not found', text)
    if found is None:
        return None
    return Obstacle(
        f"the {found[1]} {found[2]} is not there", f"kubectl create {found[1]} {found[2]} ..."
    )


def _admission(text: str) -> Obstacle | None:
    found = re.search(r'violates PodSecurity "[^"]+": (.*)', text)
    if found is None:
        return None
    return Obstacle(
        f"the namespace refuses the pod by its Pod Security Standard ({found[1]})",
        "set-security-context must be true in the ConfigMap feature-flags of Tekton",
    )


_RULES: tuple[Callable[[str], Obstacle | None], ...] = (
    _scheduling, _quota, _image, _config, _admission,
)  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join(text.split())
