"""The embedded engine: runs Tekton objects on this machine. What they mean is in `mltk.tekton`.

==================================  ===========================================================
`backend` `layout`                  the verbs over objects, and the files below ``.mltk/``
`store` `reading` `database`        objects in SQLite (`format` `patching` `watch`)
`engine` `session` `clock`          the runs of a call, or of a folder, as something happens to them
`driver` `jobs` `execution`         one PipelineRun, one TaskRun, the `steps` of an attempt
`happenings` `rows`                 Events of runs, and how objects are written
`ground` `workfolders` `inmemory`   what an attempt stands on (`podvolumes` `credentials` `removal`)
`launch` `sources` `volumes`        a step's command, environment and folders
`process` `cold` `forkserver`       steps as processes (`warm` `forked` `ahead` `running`)
`contained` `rootfs` `machine`      steps that the kernel keeps apart (`namespaces` `cgroups`)
`containers`                        steps in containers of podman or docker
`cache` `memo` `snapshot`           TaskRuns that are restored instead of run
`ownership` `identity` `recovery`   who drives a run, and what a killed engine leaves
==================================  ===========================================================
"""
