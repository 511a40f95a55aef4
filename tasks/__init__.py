"""The Tekton Tasks of mltk; installed as the package `mltk.manifests.tasks`."""
