"""What an installation of Tekton is set to: its feature flags and its defaults.

They stand in the ConfigMaps ``feature-flags`` and ``config-defaults`` of the namespace
``tekton-pipelines``, for the embedded engine as for a cluster. Keys, defaults and messages are
those of ``pkg/apis/config`` of Tekton.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cached_property
from typing import Any, Self

from mltk.tekton.durations import parse_duration

NAMESPACE = "tekton-pipelines"
FEATURE_FLAGS = "feature-flags"
CONFIG_DEFAULTS = "config-defaults"
EXAMPLE = "_example"  # a key that explains the others

_TRUE = ("1", "t", "T", "TRUE", "true", "True")  # as Go's strconv.ParseBool reads them
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_CRD_LIMIT = 1_572_864  # bytes


class ConfigError(ValueError):
    """A value that Tekton would not take; the message is Tekton's."""


def _flag(
    key: str, default: bool | str | int, shown: str, words: Sequence[str] = (), *, own: bool = False
) -> Any:
    """A flag: its `key`, its name in a status, the `words` it takes; `own` ones name themselves."""
    return field(default=default, metadata={"key": key, "shown": shown, "words": words, "own": own})


@dataclass(frozen=True)
class FeatureFlags:
    """The feature flags, in the order in which Tekton writes them into a status."""

    disable_creds_init: bool = _flag("disable-creds-init", False, "disableCredsInit")
    injected_sidecars: bool = _flag(
        "running-in-environment-with-injected-sidecars", True, "runningInEnvWithInjectedSidecars"
    )
    known_hosts: bool = _flag(
        "require-git-ssh-secret-known-hosts", False, "requireGitSSHSecretKnownHosts"
    )
    api_fields: str = _flag(
        "enable-api-fields", "beta", "enableAPIFields", ("alpha", "beta", "stable")
    )
    cloud_events: bool = _flag("send-cloudevents-for-runs", True, "sendCloudEventsForRuns")
    await_sidecars: bool = _flag("await-sidecar-readiness", True, "awaitSidecarReadiness")
    nonfalsifiability: str = _flag(
        "enforce-nonfalsifiability", "none", "enforceNonfalsifiability", ("none", "spire")
    )
    keep_pod: bool = _flag("keep-pod-on-cancel", False, "enableKeepPodOnCancel", own=True)
    no_match_policy: str = _flag(
        "trusted-resources-verification-no-match-policy",
        "ignore",
        "verificationNoMatchPolicy",
        ("fail", "warn", "ignore"),
    )
    provenance: bool = _flag("enable-provenance-in-status", True, "enableProvenanceInStatus")
    results_from: str = _flag(
        "results-from",
        "termination-message",
        "resultExtractionMethod",
        ("termination-message", "sidecar-logs"),
    )
    max_result_size: int = _flag("max-result-size", 4096, "maxResultSize")
    security_context: bool = _flag("set-security-context", False, "setSecurityContext")
    read_only_root: bool = _flag(
        "set-security-context-read-only-root-filesystem",
        False,
        "setSecurityContextReadOnlyRootFilesystem",
    )
    coschedule: str = _flag(
        "coschedule",
        "workspaces",
        "coschedule",
        ("disabled", "workspaces", "pipelineruns", "isolate-pipelinerun"),
    )
    cel: bool = _flag("enable-cel-in-whenexpression", False, "enableCELInWhenExpression", own=True)
    param_enum: bool = _flag("enable-param-enum", False, "enableParamEnum", own=True)
    artifacts: bool = _flag("enable-artifacts", False, "enableArtifacts", own=True)
    disable_inline_spec: str = _flag("disable-inline-spec", "", "disableInlineSpec")
    concise_resolver: bool = _flag(
        "enable-concise-resolver-syntax", False, "enableConciseResolverSyntax", own=True
    )
    kubernetes_sidecar: bool = _flag("enable-kubernetes-sidecar", False, "enableKubernetesSidecar")
    backoff: bool = _flag("enable-wait-exponential-backoff", False, "enableWaitExponentialBackoff")
    compression: bool = _flag(
        "enable-termination-message-compression",
        False,
        "enableTerminationMessageCompression",
        own=True,
    )

    @classmethod
    def read(cls, data: Mapping[str, str]) -> Self:
        """Read the data of the ConfigMap; ConfigError for a value that Tekton refuses."""
        found: dict[str, Any] = {
            each.name: _parse(each.metadata, each.default, data[each.metadata["key"]])
            for each in fields(cls)
            if each.metadata["key"] in data
        }
        return cls(**found)

    @cached_property
    def shown(self) -> dict[str, bool | str | int]:
        """The flags as a status holds them; Go leaves out what is false or empty."""
        found = ((each.metadata["shown"], getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in found if value}

    def lacks(self, feature: str, level: str) -> str:
        """Why a feature of the level ``beta`` or ``alpha`` may not be used; empty if it may."""
        allowed = ("alpha",) if level == "alpha" else ("alpha", "beta")
        if self.api_fields in allowed:
            return ""
        wanted = " or ".join(f'"{each}"' for each in allowed)
        return (
            f'{feature} requires "enable-api-fields" feature gate to be {wanted} '
            f'but it is "{self.api_fields}"'
        )

    def forbids_inline(self, holder: str) -> bool:
        """Whether a spec may not stand inside a ``pipeline``, ``pipelinerun`` or ``taskrun``."""
        return holder in self.disable_inline_spec.split(",")


@dataclass(frozen=True)
class Defaults:
    """What holds where an object says nothing."""

    timeout: timedelta = timedelta(hours=1)
    service_account: str = "default"
    managed_by: str = "tekton-pipelines"
    matrix_limit: int = 256
    resolution: timedelta = timedelta(minutes=1)
    resolver: str = ""
    binding: str = ""

    @classmethod
    def read(cls, data: Mapping[str, str]) -> Self:
        """Read the data of the ConfigMap; ConfigError for a value that Tekton refuses."""
        found: dict[str, Any] = {}
        if (minutes := _whole(data, "default-timeout-minutes")) is not None:
            found["timeout"] = timedelta(minutes=minutes)
        if (limit := _whole(data, "default-max-matrix-combinations-count")) is not None:
            found["matrix_limit"] = limit
        if "default-maximum-resolution-timeout" in data:
            found["resolution"] = _duration(data["default-maximum-resolution-timeout"])
        if "default-service-account" in data:
            found["service_account"] = data["default-service-account"]
        if "default-resolver-type" in data:
            found["resolver"] = data["default-resolver-type"]
        if "default-managed-by-label-value" in data:
            found["managed_by"] = data["default-managed-by-label-value"]
        if "default-task-run-workspace-binding" in data:
            found["binding"] = data["default-task-run-workspace-binding"]
        return cls(**found)


@dataclass(frozen=True)
class Config:
    """Both together."""

    flags: FeatureFlags = FeatureFlags()
    defaults: Defaults = Defaults()

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What a status says of where its run comes from; empty when it is to say nothing."""
        return {"featureFlags": self.flags.shown} if self.flags.provenance else {}


TEKTONS = Config()
"""What holds when nobody has set anything."""

# What neither flag nor default has a meaning for without a pod, a node or a cluster.
WITHOUT_EFFECT = frozenset(
    {
        "running-in-environment-with-injected-sidecars", "send-cloudevents-for-runs",
        "await-sidecar-readiness", "keep-pod-on-cancel", "set-security-context",
        "set-security-context-read-only-root-filesystem", "coschedule",
        "enable-kubernetes-sidecar", "enable-wait-exponential-backoff",
        "enable-tekton-oci-bundles", "enable-step-actions", "enable-informer-cache-transforms",
        "default-pod-template", "default-affinity-assistant-pod-template",
        "default-cloud-events-sink", "default-forbidden-env",
        "default-container-resource-requirements", "default-imagepullbackoff-timeout",
        "default-create-container-error-timeout", "default-sidecar-log-polling-interval",
        "default-step-ref-concurrency-limit",
    }
)  # fmt: skip
# The values that the engine can honour of what it does not do yet.
NOT_YET: dict[str, Sequence[str]] = {
    "enforce-nonfalsifiability": ("none",),
    "trusted-resources-verification-no-match-policy": ("ignore",),
    "enable-concise-resolver-syntax": _FALSE,
}
_KNOWN = {
    FEATURE_FLAGS: frozenset(each.metadata["key"] for each in fields(FeatureFlags)),
    CONFIG_DEFAULTS: frozenset(
        {
            "default-timeout-minutes", "default-service-account",
            "default-managed-by-label-value", "default-max-matrix-combinations-count",
            "default-maximum-resolution-timeout", "default-resolver-type",
            "default-task-run-workspace-binding",
        }
    ),
}  # fmt: skip


def known_keys(name: str) -> list[str]:
    """Keys that the ConfigMap `name` may hold."""
    mine = "default-" if name == CONFIG_DEFAULTS else ""
    others = {*WITHOUT_EFFECT, *NOT_YET}
    return sorted(
        {key for key in others if key.startswith("default-") == bool(mine)} | _KNOWN[name]
    )


def unsupported(data: Mapping[str, str]) -> Iterator[str]:
    """Keys whose value asks for something that the engine does not do."""
    for key, supported in NOT_YET.items():
        if key in data and data[key] not in supported:
            yield key


def _parse(metadata: Mapping[str, Any], default: Any, text: str) -> bool | str | int:
    key = metadata["key"]
    if isinstance(default, bool):
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        where = f" for feature {key}" if metadata["own"] else ""
        raise ConfigError(
            f'failed parsing feature flags config "{text}": '
            f'strconv.ParseBool: parsing "{text}": invalid syntax{where}'
        )
    if isinstance(default, int):
        return _size(text)
    words = metadata["words"]
    if words and text.lower() not in words:
        raise ConfigError(f'invalid value for feature flag "{key}": "{text.lower()}"')
    return text.lower() if words else text


def _size(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        raise ConfigError(f'strconv.Atoi: parsing "{text}": invalid syntax') from None
    if found >= _CRD_LIMIT:
        raise ConfigError(
            f'invalid value for feature flag "results-from": "{found}". '
            "This is exceeding the CRD limit"
        )
    return found


def _whole(data: Mapping[str, str], key: str) -> int | None:
    if key not in data:
        return None
    try:
        return int(data[key])
    except ValueError:
        raise ConfigError(f'failed parsing default config "{key}"') from None


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError:
        raise ConfigError(f'failed parsing default config "{text}"') from None
