"""The same event to Tekton Triggers' own code and to mltk.tekton.triggers."""
