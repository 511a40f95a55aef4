"""What a pod of each Task can reach: the border of trust that a Task is, seen from inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.programs import Project, is_done

pytestmark = pytest.mark.timeout(900)

_SECRETS = {
    "mltk-source": {"MLTK_TEST_SOURCE": "word-of-the-source"},
    "mltk-tracking": {"MLTK_TEST_TRACKING": "word-of-the-registry"},
    "mltk-hosting": {"MLTK_TEST_HOSTING": "word-of-the-hosting"},
    "mltk-forge": {"MLTK_TEST_FORGE": "word-of-the-git-host"},
}
_MAY_KNOW = {
    "fetch-data": {"mltk-source"},
    "train-model": set(),
    "gate-model": {"mltk-tracking"},
    "register-model": {"mltk-tracking"},
    "report": {"mltk-forge", "mltk-tracking"},
}
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
# What code in the training pod would do to get at a Secret: with a token, and without.
_ATTACK = """
import json, os, pathlib, ssl, urllib.request, urllib.error
anyone = ssl._create_unverified_context()
url = "https://%s:%s/api/v1/namespaces/NAMESPACE/secrets" % (
    os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"])
try:
    urllib.request.urlopen(url, context=anyone, timeout=5)
    answer = "open"
except urllib.error.HTTPError as error:
    answer = error.code
except OSError:
    answer = "unreachable"
environment = b""
for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        environment += path.read_bytes()
    except OSError:
        pass
print(json.dumps({
    "secrets": answer,
    "token": pathlib.Path("TOKEN").exists(),
    "words": [word for word in WORDS if word.encode() in environment],
    "uid": os.getuid(),
    "root_writable": os.access("/var/tmp", os.W_OK),
}))
"""


@pytest.fixture(scope="module")
def run(project: Project, delivered: Any) -> Iterator[str]:
    """A delivery in a namespace that holds all the Secrets that mltk knows."""
    for name, words in _SECRETS.items():
        literals = [f"--from-literal={key}={value}" for key, value in words.items()]
        project.cluster.kubectl(
            "create", "secret", "generic", name, "-n", project.namespace, *literals
        )
    yield project.start("wine-alcohol")
    project.cluster.kubectl("delete", "secret", "-n", project.namespace, *_SECRETS)


def test_the_training_pod_holds_and_reaches_no_credential(project: Project, run: str) -> None:
    training = _running(project, run, "train-model")
    words = [word for each in _SECRETS.values() for word in each.values()]
    attack = (
        _ATTACK.replace("NAMESPACE", project.namespace)
        .replace("TOKEN", _TOKEN)
        .replace("WORDS", json.dumps(words))
    )
    pod = ("exec", "-n", project.namespace, "-i", training, "-c", "step-train", "--")
    found = json.loads(project.cluster.kubectl(*pod, "python3", "-", stdin=attack))
    # 401 and 403: the API server answers, and knows nobody. Where the network plugin enforces
    # policies, it cannot even be reached.
    assert found.pop("secrets") in (401, 403, "unreachable")
    assert found == {"token": False, "words": [], "uid": 65532, "root_writable": False}


def test_each_pod_is_given_its_own_secrets_alone(project: Project, run: str) -> None:
    project.watch("pipelinerun", run, until=is_done)
    given = {}
    for task, task_run in project.task_runs(run).items():
        pod = project.get("pod", task_run["status"]["podName"])
        given[task] = _secrets(pod)
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["serviceAccountName"] == f"mltk-{task}"
    assert given == _MAY_KNOW


def test_no_service_account_of_a_task_may_do_anything(project: Project, run: str) -> None:
    for task in _MAY_KNOW:
        user = f"system:serviceaccount:{project.namespace}:mltk-{task}"
        listed = project.cluster.kubectl(
            "auth", "can-i", "--list", f"--as={user}", "-n", project.namespace, "--no-headers"
        )
        # Anybody may ask what he may do, and read where the API lies.
        granted = [line.split()[0] for line in listed.splitlines() if line and line[0] != " "]
        assert all(each.startswith("self") for each in granted), f"{task} may use {granted}"


def _running(project: Project, run: str, task: str) -> str:
    """The pod of a task, when its containers run."""
    of_task = f"tekton.dev/pipelineRun={run},tekton.dev/pipelineTask={task}"

    def runs(pod: Any) -> bool:
        return bool(pod["status"].get("phase") == "Running")

    pod = project.watch("pod", "-l", of_task, until=runs)
    return str(pod["metadata"]["name"])


def _secrets(pod: Any) -> set[str]:
    """The Secrets that a pod is given, as environment or as files."""
    spec = pod["spec"]
    sources = [
        source.get("secretRef", {}).get("name")
        for container in spec["containers"] + spec.get("initContainers", [])
        for source in container.get("envFrom", [])
    ]
    single = [
        each["valueFrom"]["secretKeyRef"]["name"]
        for container in spec["containers"]
        for each in container.get("env", [])
        if "secretKeyRef" in each.get("valueFrom", {})
    ]
    files = [volume.get("secret", {}).get("secretName") for volume in spec.get("volumes", [])]
    return {name for name in (*sources, *single, *files) if name}
