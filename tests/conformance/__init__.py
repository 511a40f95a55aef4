"""Tekton's own examples on the embedded engine: `make conformance`.

They come with Tekton's Go module and are read there, never copied.
"""
