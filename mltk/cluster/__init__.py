"""The verbs over objects against a Kubernetes API server; knows nothing of machine learning.

==================================  ===========================================================
`backend`                           the verbs: `mltk.tekton.api.Backend`
`access` `package`                  which cluster, as whom; what of `kubernetes` that takes
`call` `server`                     requests and answers
`errors` `failures` `patience`      refusals and silence in words, and how long to bear them
`listing` `watch` `applying`        pages, changes, server-side apply
`logs` `pods` `happenings`          what steps wrote, and what Kubernetes tells of their pods
==================================  ===========================================================
"""

from mltk.cluster.backend import ClusterBackend

__all__ = ["ClusterBackend"]
