"""What tekton.dev/v1 has and the engine does not do yet: refused by name, never ignored.

Rows are (shape, field) of `schema`. Taking a row out is all that admission needs to accept it.
"""

from __future__ import annotations

from mltk.tekton.schema import DRIVEN

_DEVICES = "there are no block volumes on this machine"
_DRIVERS = "there is no driver for such volumes on this machine"
_TOKENS = "nobody on this machine issues tokens and certificates"
_KERNEL = "the kernel's rules for steps are those of this machine"
_TEMPLATE = "only its volumes, env and securityContext have one"

NOT_YET: dict[tuple[str, str], str] = {
    ("Sidecar", "volumeDevices"): _DEVICES,
    (
        "Sidecar",
        "restartPolicy",
    ): "a sidecar that ends is not started again",
    ("Probe", "grpc"): "nothing here speaks gRPC to a probe; use exec, httpGet or tcpSocket",
    ("Lifecycle", "stopSignal"): "only by an alpha gate of Kubernetes; what ends gets SIGTERM",
    ("Step", "volumeDevices"): _DEVICES,
    ("StepTemplate", "volumeDevices"): _DEVICES,
    ("Resources", "claims"): "there is no driver on this machine that hands out devices",
    ("EnvSource", "fileKeyRef"): "only by a gate of Kubernetes; read the file in the script",
    ("ProjectedSource", "serviceAccountToken"): _TOKENS,
    ("ProjectedSource", "clusterTrustBundle"): _TOKENS,
    ("ProjectedSource", "podCertificate"): _TOKENS,
    **{("Volume", kind): _DRIVERS for kind in DRIVEN},
    (
        "TaskRun",
        "debug",
    ): "who waits at a breakpoint is entered by `kubectl exec`, which is not to be had here",
    ("WorkspaceBinding", "csi"): _DRIVERS,
}

# Fields that are taken and that only a pod gives a meaning to.
WITHOUT_EFFECT: dict[tuple[str, str], str] = {
    ("Sidecar", "stdin"): "nobody types into a sidecar",
    ("Sidecar", "stdinOnce"): "nobody types into a sidecar",
    ("Sidecar", "tty"): "nobody types into a sidecar",
    ("EmptyDir", "medium"): "a volume lies on the disk of this machine",
    ("EmptyDir", "sizeLimit"): "a volume may fill the disk of this machine",
    ("Port", "protocol"): "a port is open on this machine without being named",
    ("Port", "hostPort"): "each port is one of this machine",
    ("Port", "hostIP"): "each port is one of this machine",
    ("VolumeMount", "recursiveReadOnly"): "what is mounted in a volume is read-only with it",
    ("VolumeMount", "mountPropagation"): "what is mounted later on is not passed on",
    ("SecurityContext", "procMount"): _KERNEL,
    ("SecurityContext", "seLinuxOptions"): _KERNEL,
    ("SecurityContext", "seccompProfile"): _KERNEL,
    ("SecurityContext", "appArmorProfile"): _KERNEL,
    ("SecurityContext", "windowsOptions"): "no container of Windows runs here",
    ("TaskRunTemplate", "podTemplate"): _TEMPLATE,
    ("TaskRunSpec", "podTemplate"): _TEMPLATE,
    ("TaskRun", "podTemplate"): _TEMPLATE,
}
