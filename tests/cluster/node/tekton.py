"""Tekton's own install YAML, with the images of this node in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.node.binaries import PIPELINES, TRIGGERS, Module
from tests.cluster.node.errors import NodeError
from tests.cluster.node.images import SHELL, of_tekton

_KO = re.compile(r'"?ko://github\.com/tektoncd/(?:pipeline|triggers)/cmd/([a-z]+)"?')
_SHELL = re.compile(r'("-shell-image", )"[^"]+"')
# Without it Tekton's init containers are refused where PodSecurity `restricted` is enforced.
_SETTING = ('set-security-context: "false"', 'set-security-context: "true"')

# Asked every 2 seconds instead of after 5 and every 10, and as patient: the node is up sooner.
_READINESS = re.compile(
    r"""(readinessProbe:\n(?:[ ]+(?:httpGet:|path:.*|port:.*|scheme:.*)\n)+)
        ([ ]+)initialDelaySeconds:[ ]5\n[ ]+periodSeconds:[ ]10\n""",
    re.VERBOSE,
)
_SOONER = r"\1\2periodSeconds: 2\n\2failureThreshold: 15\n"

# Most of Tekton's containers ask for no CPU: beside trainings that do, a controller gets so little
# of a busy machine that it loses its lease and starts again.
_SHARE_OF_CPU = """\
apiVersion: v1
kind: LimitRange
metadata: {name: share-of-cpu, namespace: tekton-pipelines}
spec: {limits: [{type: Container, defaultRequest: {cpu: 100m}}]}
"""

_FIRST = ("Namespace", "CustomResourceDefinition")
_LAST = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


def manifests() -> tuple[str, str]:
    """The YAML to create first, and the YAML to create when its kinds are known.

    The webhooks' configurations come at the very end: until then nothing asks a webhook that is
    not up whether an object may be.
    """
    documents = [*_documents(PIPELINES), *_documents(TRIGGERS)]
    documents.append(_SHARE_OF_CPU)
    first = [text for text in documents if _kind(text) in _FIRST]
    last = [text for text in documents if _kind(text) in _LAST]
    rest = [text for text in documents if _kind(text) not in (*_FIRST, *_LAST)]
    return _join(sorted(first, key=_namespaces_first)), _join([*rest, *last])


def _documents(module: Module) -> Iterable[str]:
    for path in sorted((module.folder / "config").rglob("*.yaml")):
        # A file may end without a newline, so files are split on their own, never joined first.
        for text in re.split(r"^---\s*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            if re.search(r"^kind:", text, flags=re.MULTILINE):
                yield _adapted(module, text, path)


def _adapted(module: Module, text: str, path: Path) -> str:
    text = _KO.sub(lambda match: f'"{of_tekton(module, match[1])}"', text)
    text = _SHELL.sub(rf'\1"{SHELL}"', text).replace(*_SETTING)
    text = _READINESS.sub(_SOONER, text)
    if "ko://" in text:
        raise NodeError(f"{path} names an image that the node does not make")
    return text


def _kind(text: str) -> str:
    match = re.search(r"^kind:\s*(\w+)", text, flags=re.MULTILINE)
    return match[1] if match else ""


def _namespaces_first(text: str) -> bool:
    return _kind(text) != "Namespace"


def _join(documents: Iterable[str]) -> str:
    return "\n---\n".join(text.strip("\n") for text in documents) + "\n"
