"""The fields of triggers.tekton.dev by kind: those of Tekton Triggers' ``*_types.go``."""

from __future__ import annotations

from mltk.tekton.schema import LIMIT_RANGE, OBJECT_REFERENCE, SHAPES, Of, Shape

_TRIGGER: Shape = {
    "name": "text",
    "bindings": Of("TriggerSpecBinding", many=True),
    "template": Of("TriggerSpecTemplate"),
    "interceptors": Of("TriggerInterceptor", many=True),
    "serviceAccountName": "text",
}
_BINDING: Shape = {"params": Of("TriggerParam", many=True)}
_INTERCEPTOR: Shape = {"clientConfig": Of("ClientConfig")}

_SHAPES: dict[str, Shape] = {
    "EventListener": {
        "serviceAccountName": "text",
        "triggers": Of("EventListenerTrigger", many=True),
        "triggerGroups": Of("EventListenerTriggerGroup", many=True),
        "namespaceSelector": Of("NamespaceSelector"),
        "labelSelector": Of("LabelSelector"),
        "resources": Of("ListenerResources"),
        "cloudEventURI": "text",
    },
    "EventListenerTrigger": {**_TRIGGER, "triggerRef": "text"},
    "EventListenerTriggerGroup": {
        "name": "text",
        "interceptors": Of("TriggerInterceptor", many=True),
        "triggerSelector": Of("TriggerSelector"),
    },
    "TriggerSelector": {
        "namespaceSelector": Of("NamespaceSelector"),
        "labelSelector": Of("LabelSelector"),
    },
    "NamespaceSelector": {"matchNames": "texts"},
    "LabelSelector": {"matchLabels": "map", "matchExpressions": Of("LabelTerm", many=True)},
    "LabelTerm": {"key": "text", "operator": "text", "values": "texts"},
    "ListenerResources": {
        "kubernetesResource": Of("KubernetesResource"),
        "customResource": "any",
    },
    "KubernetesResource": {
        "replicas": "int",
        "serviceType": "text",
        "servicePort": "int",
        "serviceLoadBalancerClass": "text",
        "spec": Of("ListenerWorkload"),
    },
    "ListenerWorkload": {"template": Of("ListenerTemplate")},
    "ListenerTemplate": {"metadata": "any", "spec": "any"},
    "Trigger": _TRIGGER,
    "TriggerSpecBinding": {
        "name": "text",
        "value": "text",
        "ref": "text",
        "kind": "text",
        "apiversion": "text",
    },
    "TriggerSpecTemplate": {
        "ref": "text",
        "apiversion": "text",
        "spec": Of("TriggerTemplate"),
    },
    "TriggerInterceptor": {
        "name": "text",
        "ref": Of("InterceptorRef"),
        "params": Of("InterceptorParam", many=True),
        "webhook": Of("WebhookInterceptor"),
    },
    "InterceptorRef": {"name": "text", "kind": "text", "apiVersion": "text"},
    "InterceptorParam": {"name": "text", "value": "any"},
    "WebhookInterceptor": {
        "objectRef": Of("WebhookObject"),
        "url": "text",
        "header": Of("WebhookHeader", many=True),
    },
    "WebhookHeader": {"name": "text", "value": "any"},
    "WebhookObject": OBJECT_REFERENCE,
    "TriggerBinding": _BINDING,
    "ClusterTriggerBinding": _BINDING,
    "TriggerParam": {"name": "text", "value": "text"},
    "TriggerTemplate": {
        "params": Of("TriggerParamSpec", many=True),
        "resourcetemplates": "objects",
    },
    "TriggerParamSpec": {"name": "text", "description": "text", "default": "text"},
    "Interceptor": _INTERCEPTOR,
    "ClusterInterceptor": _INTERCEPTOR,
    "ClientConfig": {
        "caBundle": "text",
        "url": "text",
        "service": Of("ServiceReference"),
    },
    "ServiceReference": {"name": "text", "namespace": "text", "path": "text", "port": "int"},
}

ALL_SHAPES = {**SHAPES, **_SHAPES, **LIMIT_RANGE}
"""Those of tekton.dev and of LimitRanges among them."""
