"""The resolver ``bundles``, on OCI layouts that the test writes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mltk.local.resolvers.bundles import Bundles
from mltk.tekton.objects import Obj
from mltk.tekton.remote import Unresolved

from .conftest import Bench, greeter

BUNDLES = Bundles()
MARKS = {
    "dev.tekton.image.apiVersion": "v1",
    "dev.tekton.image.kind": "task",
    "dev.tekton.image.name": "greeter",
}


def tar(data: bytes, name: str = "greeter") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@dataclass
class Layout:
    """An OCI layout that is being written."""

    root: Path

    def blob(self, data: bytes, **fields: Any) -> Obj:
        digest = hashlib.sha256(data).hexdigest()
        path = self.root / "blobs" / "sha256" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data), **fields}

    def image(self, *layers: Obj) -> Obj:
        return self.blob(json.dumps({"schemaVersion": 2, "layers": list(layers)}).encode())

    def layer(self, data: bytes, marks: Mapping[str, str] = MARKS) -> Obj:
        return self.blob(data, annotations=dict(marks))

    def index(self, **tags: Obj) -> None:
        key = "org.opencontainers.image.ref.name"
        named = [{**each, "annotations": {key: tag}} for tag, each in tags.items()]
        (self.root / "index.json").write_text(json.dumps({"manifests": named}), encoding="utf-8")
        (self.root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """One image ``v1`` with one Task, as `tkn bundle push` writes it."""
    made = Layout(tmp_path / "bundle")
    made.index(v1=made.image(made.layer(gzip.compress(tar(greeter().encode())))))
    return made


def digest(layout: Layout) -> str:
    index = json.loads((layout.root / "index.json").read_text(encoding="utf-8"))
    return str(index["manifests"][0]["digest"])


@pytest.mark.parametrize(
    "form", ["oci:{}", "oci:{}:v1", "oci:bundle:v1", "file://{}", "file://{}#v1", "oci:{}@{digest}"]
)
def test_an_object_is_found_in_a_layout(bench: Bench, layout: Layout, form: str) -> None:
    bundle = form.format(layout.root, digest=digest(layout))
    found = bench.find(BUNDLES, bundle=bundle, name="greeter", kind="Task")
    assert found.data.decode() == greeter()
    assert found.source["digest"] == {"sha256": digest(layout).removeprefix("sha256:")}
    assert found.source["entryPoint"] == "greeter"
    assert found.annotations["resolution.tekton.dev/dev.tekton.image.kind"] == "task"


@pytest.mark.parametrize(
    "data",
    [greeter().encode(), gzip.compress(greeter().encode(), mtime=0), tar(greeter().encode())],
    ids=["plain", "compressed", "archive"],
)
def test_a_layer_is_an_archive_or_the_document_itself(
    bench: Bench, layout: Layout, data: bytes
) -> None:
    layout.index(v1=layout.image(layout.layer(data)))
    found = bench.find(BUNDLES, bundle=f"oci:{layout.root}", name="greeter")
    assert found.data.decode() == greeter()


def test_an_archive_of_a_layout_is_read_too(bench: Bench, layout: Layout, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bundle.tar", "w") as archive:
        for path in sorted(layout.root.rglob("*")):
            archive.add(path, path.relative_to(layout.root))
    found = bench.find(BUNDLES, bundle="oci:bundle.tar:v1", name="greeter")
    assert found.data.decode() == greeter()


def test_of_an_image_for_many_platforms_linux_counts(bench: Bench, layout: Layout) -> None:
    other = layout.image(layout.layer(greeter(word="bye").encode()))
    mine = layout.image(layout.layer(greeter().encode()))
    arm, amd = ({"os": "linux", "architecture": each} for each in ("arm64", "amd64"))
    many = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**other, "platform": arm}, {**mine, "platform": amd}],
    }
    layout.index(v1=layout.blob(json.dumps(many).encode()))
    found = bench.find(BUNDLES, bundle=f"oci:{layout.root}", name="greeter")
    assert found.data.decode() == greeter()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"bundle": ""}, 'parameter "bundle" required'),
        ({"name": ""}, 'parameter "name" required'),
        ({"name": "gone"}, "could not find object in image with kind: task and name: gone"),
        ({"kind": "pipeline"}, "with kind: pipeline and name: greeter"),
        ({"bundle": "oci:bundle:v2"}, r"there is no image 'v2' in the layout \(tags: v1\)"),
        ({"bundle": "oci:gone"}, "cannot retrieve the oci image: there is no .*gone"),
        ({"bundle": "quay.io/x/y:1"}, "no registry is asked: fetch it with `skopeo copy docker:"),
    ],
)
def test_what_is_not_there_is_told(
    bench: Bench, layout: Layout, params: dict[str, str], message: str
) -> None:
    asked = {"bundle": f"oci:{layout.root}", "name": "greeter", **params}
    with pytest.raises(Unresolved, match=message):
        bench.find(BUNDLES, **asked)


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ({**MARKS, "dev.tekton.image.kind": "Task"}, "must be lowercased and singular, found Task"),
        ({**MARKS, "dev.tekton.image.kind": "tasks"}, "lowercased and singular, found tasks"),
        ({}, "the layer 0 does not contain a dev.tekton.image.apiVersion annotation"),
    ],
)
def test_an_image_that_is_no_bundle_is_refused(
    bench: Bench, layout: Layout, marks: dict[str, str], message: str
) -> None:
    layout.index(v1=layout.image(layout.layer(b"x", marks)))
    with pytest.raises(Unresolved, match=message):
        bench.find(BUNDLES, bundle=f"oci:{layout.root}", name="greeter")


def test_a_bundle_holds_twenty_objects_at_most(bench: Bench, layout: Layout) -> None:
    layout.index(v1=layout.image(*[layout.layer(greeter().encode())] * 21))
    with pytest.raises(Unresolved, match="contained more than the maximum 20 allow objects"):
        bench.find(BUNDLES, bundle=f"oci:{layout.root}", name="greeter")


def test_a_blob_holds_what_its_digest_says(bench: Bench, layout: Layout) -> None:
    for path in (layout.root / "blobs" / "sha256").iterdir():
        path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Unresolved, match="holds something else"):
        bench.find(BUNDLES, bundle=f"oci:{layout.root}", name="greeter")


def test_a_digest_leads_to_nothing_but_blobs(bench: Bench, layout: Layout) -> None:
    layout.index(v1={"digest": "sha256:../../../secret", "size": 1})
    with pytest.raises(Unresolved, match="is no digest of SHA-256"):
        bench.find(BUNDLES, bundle=f"oci:{layout.root}", name="greeter")


def test_a_layer_that_grows_without_end_is_refused(bench: Bench, layout: Layout) -> None:
    layout.index(v1=layout.image(layout.layer(gzip.compress(b"\0" * (17 << 20)))))
    with pytest.raises(Unresolved, match="holds more than 16777216 bytes"):
        bench.find(BUNDLES, bundle=f"oci:{layout.root}", name="greeter")


def test_a_digest_is_immutable_and_a_tag_is_not(bench: Bench) -> None:
    assert BUNDLES.is_immutable(bench.errand(BUNDLES, bundle=f"oci:x@sha256:{'a' * 64}"))
    assert not BUNDLES.is_immutable(bench.errand(BUNDLES, bundle="oci:x:v1"))
