"""The Tekton manifests that ship: ``tasks/`` and ``tekton/`` of the repository, as package data."""
