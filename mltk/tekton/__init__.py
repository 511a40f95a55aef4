"""What Tekton objects mean: read, judge, substitute, plan. No disk, clock, network, environment.

Which page of Tekton each rule is in:

========================  =====================================================================
`kinds` `objects` `api`   the kinds, the shape of an object, the verbs over them
`manifest`                YAML text -> objects with their line
`admission`               what is refused before anything runs (`schema`: the fields by kind)
`params` `substitution`   types, defaults, and the variables ``$(...)``
`results` `dag`           references between tasks and the graph they make
`when` `skipping`         whether a task of a Pipeline runs, and why not
`reconcile`               a PipelineRun and its TaskRuns -> what happens next
`taskrun` `attempts`      a TaskRun -> steps to start; steps that ended -> its status
========================  =====================================================================
"""
