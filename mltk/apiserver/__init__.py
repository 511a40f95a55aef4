"""The wire form of the Kubernetes API over the store of this machine.

Real `kubectl`, `tkn`, the `kubernetes` package and the Tekton Dashboard speak it, so that they work
with no cluster. What an object means is in `mltk.tekton`, what happens to it in `mltk.local`.

======================================  ========================================================
`resources` `discovery` `openapi`       what is served, and how clients learn of it
`request` `protobuf`                    what a path names, a query asks and a body holds
`answers` `statuses`                    an answer, a refusal in Kubernetes' words
`guard`                                 who may ask, and how much at once
`collections` `namespaces`              where objects are read from; what is a view of others
`pods` `logs`                           TaskRuns as pods, and what their steps wrote
`selection` `listing`                   which objects, in pages
`forms` `tables` `durations`            whole, or in the columns that kubectl prints
`watching` `wakeups`                    changes as they happen
`writing` `deleting` `checking`         create, update, patch, delete, and what is refused
`patches` `ownership` `fields`          patches of all kinds; who manages which field
`app` `streams` `server`                HTTP and WebSockets, and where they listen
`certificates` `config`                 TLS, the kubeconfig
======================================  ========================================================
"""
