"""Where training runs on a cluster, as mltk.yaml says it: resources, accelerator, node.

Apart from `mltk.project.spec`, whose bytes count in the key of a model: where it is trained does
not. The rules are those of the Kubernetes API, so that a mistake shows on its line of mltk.yaml
and not in a pod that never starts.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

ARCHITECTURE_LABEL = "kubernetes.io/arch"

_RESOURCES = {"gpu": "nvidia.com/gpu", "tpu": "google.com/tpu"}
_SUFFIXES = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "": "1"}
_SUFFIXES |= {unit: f"1e{3 * power}" for power, unit in enumerate("kMGTPE", start=1)}
_SUFFIXES |= {f"{unit}i": str(1024**power) for power, unit in enumerate("KMGTPE", start=1)}
_QUANTITY = re.compile(r"(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)(?P<suffix>[eE][-+]?[0-9]{1,2}|\w*)")
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_REPOSITORY = r"([\w.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
_LONGEST_DOMAIN = 253
_LEAST_MEMORY = 2**20


def quantity(text: str) -> Decimal:
    """The number that a Kubernetes quantity such as `500m` or `2Gi` stands for.

    ValueError for what is none (rules of ``k8s.io/apimachinery/pkg/api/resource``).
    """
    found = _QUANTITY.fullmatch(text)
    suffix = found["suffix"] if found else "?"
    if found is None or (suffix not in _SUFFIXES and suffix[:1] not in ("e", "E")):
        raise ValueError(_not_a_quantity(text))
    if suffix in _SUFFIXES:
        return Decimal(found["number"]) * Decimal(_SUFFIXES[suffix])
    if not suffix[1:]:
        raise ValueError(_not_a_quantity(text))
    return Decimal(found["number"] + suffix)


def _not_a_quantity(text: str) -> str:
    return f"'{text}' is not a quantity as Kubernetes writes it, such as 500m, 2 or 4Gi"


def _cpu(text: str) -> str:
    if quantity(text) < Decimal("1e-3"):
        raise ValueError(f"'{text}' is no processor: 1m, a thousandth, is the least")
    return text


def _memory(text: str) -> str:
    if quantity(text) < _LEAST_MEMORY:
        raise ValueError(f"'{text}' is less than a megabyte: give it a unit, as in 2Gi")
    return text


def _qualified(text: str, what: str) -> str:
    domain, slash, name = text.rpartition("/")
    fits = len(domain) <= _LONGEST_DOMAIN and re.fullmatch(_DOMAIN, domain) if slash else True
    if not (fits and re.fullmatch(_NAME, name)):
        raise ValueError(f"'{text}' is not {what}, as in example.com/name")
    return text


def _label_key(text: str) -> str:
    return _qualified(text, "the key of a label")


def _label_value(text: str) -> str:
    if text and not re.fullmatch(_NAME, text):
        raise ValueError(
            f"'{text}' is not the value of a label: at most 63 letters, digits, '-', '_' and '.'"
        )
    return text


def _dns_label(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", text):
        raise ValueError(f"'{text}' is no name of lower-case letters, digits and dashes")
    return text


def _dns_name(text: str) -> str:
    if not (len(text) <= _LONGEST_DOMAIN and re.fullmatch(_DOMAIN, text)):
        raise ValueError(f"'{text}' is no name of lower-case letters, digits, dashes and dots")
    return text


def _image(text: str) -> str:
    found = re.fullmatch(rf"{_REPOSITORY}(:(?P<tag>[\w][\w.-]*))?(?P<digest>@\w+:\w+)?", text)
    if found is None:
        raise ValueError(f"'{text}' is no image, such as registry.example.org/mltk:0.1.0")
    if not found["digest"] and found["tag"] in (None, "latest"):
        # What `latest` means changes, and a rerun must be the same run.
        raise ValueError(f"'{text}' names no version: add a tag other than latest, or a digest")
    return text


def _extended(text: str) -> str:
    _qualified(text, "the name of a resource")
    domain = text.rpartition("/")[0]
    if not domain or domain == "kubernetes.io" or domain.endswith(".kubernetes.io"):
        raise ValueError(f"'{text}' is no extended resource, as nvidia.com/gpu is")
    return text


Cpu = Annotated[str, AfterValidator(_cpu)]
Memory = Annotated[str, AfterValidator(_memory)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
DnsName = Annotated[str, AfterValidator(_dns_name)]
Image = Annotated[str, AfterValidator(_image)]
DnsLabel = Annotated[str, AfterValidator(_dns_label)]
ExtendedResource = Annotated[str, AfterValidator(_extended)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, serialize_by_alias=True
    )


class Toleration(_Strict):
    """A taint of nodes that the training pod may run in spite of."""

    key: LabelKey | None = Field(None, description="Key of the taint; absent: every key.")
    operator: Literal["Exists", "Equal"] = Field(
        "Equal", description="Whether the taint must have the value, or only be there."
    )
    value: LabelValue | None = Field(None, description="Value of the taint, for Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint; absent: every effect."
    )
    seconds: int | None = Field(
        None, ge=0, description="How long a pod stays that runs already, for NoExecute."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Toleration:
        if self.key is None and self.operator == "Equal":
            raise ValueError("a toleration without a key needs operator: Exists")
        if self.operator == "Exists" and self.value:
            raise ValueError("operator: Exists takes no value; leave one of them out")
        if self.seconds is not None and self.effect != "NoExecute":
            raise ValueError("seconds have a meaning for effect: NoExecute alone")
        return self

    def manifest(self) -> dict[str, str | int]:
        """The toleration as Kubernetes writes it."""
        said = {
            "key": self.key,
            "operator": self.operator,
            "value": self.value,
            "effect": self.effect,
            "tolerationSeconds": self.seconds,
        }
        return {key: value for key, value in said.items() if value is not None}


class Resources(_Strict):
    """What training asks of a cluster, train-model alone; on one machine it is only recorded."""

    cpu: Cpu = Field("1", description="CPU request, as Kubernetes writes it.")
    memory: Memory = Field("2Gi", description="Memory request and limit.")
    accelerator: Literal["none", "gpu", "tpu"] = Field(
        "none", description="What training computes on beside the CPU."
    )
    accelerator_count: int | None = Field(
        None, ge=1, description="How many of them; 1 unless given."
    )
    accelerator_resource: ExtendedResource | None = Field(
        None,
        description="What the cluster calls them; nvidia.com/gpu or google.com/tpu unless given.",
    )
    architecture: Literal["amd64", "arm64"] | None = Field(
        None, description="Processor of the node; absent: any that the image is built for."
    )
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels that the node must have."
    )
    tolerations: tuple[Toleration, ...] = Field((), description="Taints to run in spite of.")

    @model_validator(mode="after")
    def _fits_together(self) -> Resources:
        if self.accelerator == "none":
            for name in ("accelerator_count", "accelerator_resource"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} needs accelerator: gpu or tpu")
        if self.accelerator == "tpu" and self.architecture == "arm64":
            raise ValueError("no node has a TPU and an arm64 processor; leave one of them out")
        wanted = self.node_selector.get(ARCHITECTURE_LABEL)
        if wanted and self.architecture and wanted != self.architecture:
            raise ValueError(
                f"architecture is {self.architecture}, but node_selector asks for "
                f"{ARCHITECTURE_LABEL}: {wanted}"
            )
        return self

    def extended(self) -> dict[str, str]:
        """The accelerators as a resource by name; empty without."""
        if self.accelerator == "none":
            return {}
        name = self.accelerator_resource or _RESOURCES[self.accelerator]
        return {name: str(self.accelerator_count or 1)}

    def node_labels(self) -> dict[str, str]:
        """The labels that the node must have, the architecture's among them."""
        arch = {ARCHITECTURE_LABEL: self.architecture} if self.architecture else {}
        return {**self.node_selector, **arch}


class Storage(_Strict):
    """The volume that the Tasks of one run share."""

    size: Memory = Field("1Gi", description="How much it must hold: project, data and bundle.")
    class_: DnsName | None = Field(
        None, alias="class", description="StorageClass; the cluster's default unless given."
    )


class Cluster(_Strict):
    """The cluster that `--on cluster` means; what is not given is that of kubectl and the chart."""

    repo_url: str | None = Field(
        None, description="What pods clone; the URL of the git remote `origin` unless given."
    )
    namespace: DnsLabel | None = Field(
        None, description="Namespace of the runs; that of the context unless given."
    )
    context: str | None = Field(
        None, min_length=1, description="Context of the kubeconfig; the current one unless given."
    )
    image: Image | None = Field(
        None, description="Image that every Task runs in; the installed Pipeline's unless given."
    )
    storage: Storage = Field(default_factory=Storage, description="The volume of a run.")
    placement: Literal["training", "run"] = Field(
        "training",
        description="Whose pods go where node_selector, tolerations and architecture say: that of "
        "train-model alone, or all of the run.",
    )

    @field_validator("repo_url")
    @classmethod
    def _no_password(cls, url: str | None) -> str | None:
        # mltk.yaml is in git, and the URL is in every run for all to read.
        if url and re.match(r"https?://[^/]*@", url):
            raise ValueError(
                "holds credentials: put them into the Secret mltk-source and the plain URL here"
            )
        return url
