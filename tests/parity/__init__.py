"""The same objects on the embedded engine and on a real Tekton: both must tell the same."""
