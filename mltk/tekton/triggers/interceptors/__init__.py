"""The core interceptors of Tekton Triggers: what each says of a request.

Rules: https://tekton.dev/docs/triggers/interceptors/ and, where that page is silent, Tekton's
``pkg/interceptors``.
"""
