"""What Tekton Triggers means: an event goes in, values and objects come out. Pure, like its parent.

The rules are those of Tekton Triggers v0.37, https://github.com/tektoncd/triggers.
"""
