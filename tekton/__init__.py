"""The Tekton Pipelines of mltk; installed as the package `mltk.manifests.tekton`."""
