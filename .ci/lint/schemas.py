"""JSON schemas of the Kubernetes and Tekton kinds, for kubeconform, made without a network.

    python3 .ci/lint/schemas.py KUBERNETES PIPELINES TRIGGERS OUTPUT

The first three are folders of the Go modules k8s.io/kubernetes, tektoncd/pipeline and
tektoncd/triggers (`go list -m -f '{{.Dir}}'`): the first holds the API server's OpenAPI, the second
its CRDs. Those of Triggers say nothing about fields, so triggers.yaml beside this file does. What
is written is strict: a field that the API server does not know is an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
# OpenAPI calls these strings; the API server takes numbers as well.
_SCALARS: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
}
_COMPOSED = ("allOf", "anyOf", "oneOf")


def strict(schema: Any) -> Any:
    """The schema with every field that is not listed refused."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    kept = {k: v for k, v in schema.items() if not k.startswith("x-") and k != "description"}
    for name in ("properties", "definitions"):
        if name in kept:
            kept[name] = {each: strict(part) for each, part in kept[name].items()}
    for name in ("items", "additionalProperties"):
        if name in kept:
            kept[name] = strict(kept[name])
    for name in _COMPOSED:
        if name in kept:
            kept[name] = [strict(part) for part in kept[name]]
    if "properties" in kept and not schema.get("x-kubernetes-preserve-unknown-fields"):
        kept.setdefault("additionalProperties", False)
    return kept


def with_definitions(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """The schema with those definitions that it leads to."""
    needed: dict[str, Schema] = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = definitions[name]
            waiting.extend(_references(definitions[name]))
    return {**schema, "definitions": dict(sorted(needed.items()))}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("#/definitions/")
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)


def kubernetes(module: Path) -> dict[str, Schema]:
    """Definitions of the API server's OpenAPI by their names."""
    text = (module / "api/openapi-spec/swagger.json").read_text(encoding="utf-8")
    found: dict[str, Schema] = json.loads(text)["definitions"]
    return {name: _SCALARS.get(name, strict(each)) for name, each in found.items()} | {
        # What the kinds themselves are called comes beside the definition.
        name: {**strict(each), "x-kinds": each["x-kubernetes-group-version-kind"]}
        for name, each in found.items()
        if "x-kubernetes-group-version-kind" in each
    }


def custom(files: list[Path]) -> Iterator[tuple[str, str, str, Schema]]:
    """Group, version, kind and schema of every version of the CRDs in the files."""
    for file in files:
        for crd in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if not crd or crd["kind"] != "CustomResourceDefinition":
                continue
            for version in crd["spec"]["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                if "properties" in schema:
                    names = crd["spec"]["names"]
                    yield crd["spec"]["group"], version["name"], names["kind"], schema


def own(schema: Schema, group: str, version: str, kind: str) -> Schema:
    """A kind's schema: its CRD, the metadata of all objects, and its own name."""
    made = strict(schema)
    made["properties"] = {
        **made["properties"],
        "apiVersion": {"const": f"{group}/{version}"},
        "kind": {"const": kind},
        "metadata": {"$ref": f"#/definitions/{_META}"},
    }
    made["required"] = sorted({*made.get("required", ()), "apiVersion", "kind", "metadata"})
    return made


def main() -> None:
    """Write one file a kind, named as kubeconform looks for it."""
    modules, output = [Path(each) for each in sys.argv[1:4]], Path(sys.argv[4])
    output.mkdir(parents=True, exist_ok=True)
    definitions = kubernetes(modules[0])
    for schema in definitions.values():
        for gvk in schema.pop("x-kinds", ()):
            _write(output, gvk["group"], gvk["version"], gvk["kind"], schema, definitions)
    here = Path(__file__).with_name("triggers.yaml")
    crds = sorted((modules[1] / "config/300-crds").glob("*.yaml"))
    triggers = sorted((modules[2] / "config").glob("300-*.yaml"))
    found = {
        f"{group}.{version}.{kind}": own(schema, group, version, kind)
        for group, version, kind, schema in custom([*crds, *triggers, here])
    }
    for name in found:
        *parts, version, kind = name.split(".")
        _write(output, ".".join(parts), version, kind, found[name], definitions | found)


def _write(
    output: Path, group: str, version: str, kind: str, schema: Schema, known: dict[str, Schema]
) -> None:
    suffix = f"-{group.split('.')[0]}-{version}" if group else f"-{version}"
    whole = with_definitions(schema, known)
    (output / f"{kind.lower()}{suffix}.json").write_text(json.dumps(whole), encoding="utf-8")


if __name__ == "__main__":
    main()
