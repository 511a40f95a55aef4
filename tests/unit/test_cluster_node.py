"""The parts of the test cluster that need neither root nor a cluster."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.node import archive, cli, layers, processes, tekton, volumes
from tests.cluster.node.binaries import MODULES, PIPELINES, TRIGGERS
from tests.cluster.node.errors import NodeError
from tests.cluster.node.processes import Process


@pytest.fixture
def image(tmp_path: Path) -> Path:
    program = tmp_path / "program"
    program.write_bytes(b"a program")
    path = tmp_path / "image.tar"
    archive.write(
        path,
        "localhost/it:1",
        files={"bin/program": program},
        links={"bin/alias": "program"},
        entrypoint=["/bin/program"],
        user=archive.NONROOT,
    )
    return path


def test_an_archive_says_what_is_in_it(image: Path) -> None:
    with archive.opened(image) as (contents, source):
        assert contents.names == ("localhost/it:1",)
        assert len(contents.layers) == len(contents.diff_ids) == 1
        layer = source.extractfile(contents.layers[0])
        assert layer
        with tarfile.open(fileobj=layer) as files:
            assert files.getmember("bin/alias").linkname == "program"


def test_only_the_layers_that_are_not_there_are_sent(image: Path) -> None:
    with archive.opened(image) as (contents, source):
        everything, rest = io.BytesIO(), io.BytesIO()
        sent = layers.send(contents, source, set(), everything)
        assert sent == list(contents.diff_ids)
        assert layers.send(contents, source, set(sent), rest) == []
        (missing,) = _names(everything) - _names(rest)
        assert missing == "blobs/" + sent[0].replace(":", "/")
        assert {"index.json", "oci-layout"} <= _names(rest)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\0" * 10240])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    with pytest.raises(NodeError, match="is not an archive of one image"), archive.opened(path):
        pass


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="no such file"), archive.opened(tmp_path / "image.tar"):
        pass


def test_a_process_is_the_one_that_was_remembered(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        process = processes.identify(sleeping.pid)
        assert process
        another = Process(process.pid, process.started - 1)
        another.send(signal.SIGKILL)
        assert process.alive() and not another.alive()
        process.write(tmp_path / "pid")
        assert processes.read(tmp_path / "pid") == process
        assert process in processes.children(os.getpid())
        sleeping.kill()
    assert processes.read(tmp_path / "pid") is None


def test_a_process_that_will_not_end_is_ended() -> None:
    with subprocess.Popen(["sh", "-c", "trap '' TERM; echo; exec sleep 60"],
                          stdout=subprocess.PIPE) as stubborn:  # fmt: skip
        assert stubborn.stdout and stubborn.stdout.readline()
        process = processes.identify(stubborn.pid)
        assert process
        process.end(patience=0.1)
        assert stubborn.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("phase", "spec", "expected"),
    [
        (
            "Released",
            {"claimRef": {}, "local": {"path": "/var/lib/mltk-node/volumes/local-00"}},
            True,
        ),
        (
            "Bound",
            {"claimRef": {}, "local": {"path": "/var/lib/mltk-node/volumes/local-00"}},
            False,
        ),
        ("Released", {"local": {"path": "/var/lib/mltk-node/volumes/local-00"}}, False),
        ("Released", {"claimRef": {}, "local": {"path": "/srv/data"}}, False),
        ("Released", {"claimRef": {}, "nfs": {"path": "/srv/data"}}, False),
    ],
)
def test_a_volume_is_freed_when_it_is_of_the_pool_and_its_claim_is_gone(
    phase: str, spec: dict[str, Any], expected: bool
) -> None:
    assert volumes.free({"spec": spec, "status": {"phase": phase}}) is expected


def test_every_module_pins_what_it_builds() -> None:
    assert [module.version[0].isdigit() for module in MODULES] == [True] * len(MODULES)


def test_the_images_of_the_node_are_put_into_tektons_yaml(tekton_config: Path) -> None:
    (tekton_config / "b.yaml").write_text(
        "kind: Deployment\nimage: ko://github.com/tektoncd/pipeline/cmd/webhook\n---\n"
        "kind: ValidatingWebhookConfiguration\n---\nkind: Namespace\n---\n# nothing"
    )
    (tekton_config / "a.yaml").write_text(
        'kind: CustomResourceDefinition\n---\nkind: ConfigMap\nset-security-context: "false"'
    )
    first, then = tekton.manifests()
    assert _kinds(first) == ["Namespace", "CustomResourceDefinition"]
    assert _kinds(then)[0] == "ConfigMap"
    assert _kinds(then)[-1] == "ValidatingWebhookConfiguration"
    assert f"localhost/tekton/pipelines/webhook:{PIPELINES.version}" in then
    assert 'set-security-context: "true"' in then


def test_an_image_that_the_node_does_not_make_is_refused(tekton_config: Path) -> None:
    (tekton_config / "a.yaml").write_text("kind: Deployment\nimage: ko://example.com/other\n")
    with pytest.raises(NodeError, match=r"a\.yaml names an image that the node does not make"):
        tekton.manifests()


def test_an_unknown_component_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["restart", "kubelt"]) == 2
    assert "hint: one of containerd" in capsys.readouterr().err


@pytest.fixture
def tekton_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLTK_CACHE", str(tmp_path))
    (TRIGGERS.folder / "config").mkdir(parents=True)
    config = PIPELINES.folder / "config"
    config.mkdir(parents=True)
    return config


def _names(stream: io.BytesIO) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as layout:
        return set(layout.getnames())


def _kinds(text: str) -> list[str]:
    return [line.split()[1] for line in text.splitlines() if line.startswith("kind: ")]
