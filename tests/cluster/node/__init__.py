"""A one-node Kubernetes with Tekton on this machine, with no image registry.

``python3 -m tests.cluster.node up`` brings it up, ``down`` removes it: docs/test-cluster.md. Only
the standard library is used, so that it runs before any environment is made.

Everything runs in namespaces (pid, mount, network) that hang on one process, the keeper of
``sandbox``: when it ends, the kernel ends what runs in them and drops their mounts, network devices
and routes. So the node can always be removed, whatever state a killed half of it is in.
"""
