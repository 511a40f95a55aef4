"""What Tekton objects mean: read, judge, substitute, plan. No disk, clock, network, environment.

Where each rule of Tekton stands:

======================================  ========================================================
`kinds` `objects` `names` `api`         kinds, the shape of an object, names, the verbs over them
`selectors`                             which labels kubectl's ``-l``, or an object, asks for
`manifest`                              YAML text -> objects with their line
`admission` `fields` `schema` `notyet`  what is refused; all fields by kind, and those to come
`config` `configrules` `gates`          what Tekton is set to; fields that a feature flag must allow
`defaults` `completion`                 what is written into an object that admission takes
`pipelinerules` `runrules`              what must hold beyond the types of fields
`taskrules` `taskrunrules` `steprules`  the same for Tasks, TaskRuns, steps
`stepactionrules`                       the same for StepActions
`paramrules` `resultrules`              the same for declared params and results
`triggerrules` `triggerschema`          the same for the kinds of Tekton Triggers, and their fields
`updaterules`                           what may change in a run
`quantities` `requests`                 amounts of resources, and how steps share them
`credentials`                           what Secrets of a ServiceAccount become for each step
`gojson` `spelling`                     how Go writes JSON; names of fields in another case
`variablerules`                         what texts may say of variables
`params` `substitution` `specs`         types and defaults, variables, the fields that take them
`references` `dag` `when`               results of other tasks, the graph they make, guards
`starting` `runchecks` `plan`           a PipelineRun and its Pipeline -> a plan, or why not
`reconcile` `facts` `skipping`          plan and TaskRuns -> what happens next
`children` `creation` `progress`        what to make for a task; the status of the run
`podchecks` `fixedpaths`                what a TaskRun and its Task must agree in
`taskrun` `resolved` `environment`      a TaskRun -> the steps to start
`results`                               files of steps -> results
`stepactions` `stepresults`             what a step refers to; what steps tell each other
`artifacts`                             what steps say that they took in and made
`attempts`                              the status of a TaskRun, retries included
`rerun`                                 the object that runs a run again
======================================  ========================================================
"""
