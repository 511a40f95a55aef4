"""Runs that wait for their turn: PipelineRuns that are pending until a rule lets them go.

Tekton runs whatever it is given at once. Here a PipelineRun that says PipelineRunPending in
``spec.status`` and has the annotation ``mltk.dev/queue`` waits in a queue. `decision` judges,
purely, who goes next; `dispatcher` does it through `mltk.tekton.api.Backend`, on a laptop and on a
cluster alike. All that is known stands in the runs, so that whoever dies leaves nothing behind.
"""
