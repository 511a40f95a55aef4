"""Listens for events, as the sink of Tekton Triggers does: what they mean is in `mltk.tekton`.

=========================  ====================================================================
`app` `doors`              HTTP: an event comes in, and which EventListener it is for
`inbox` `deliveries`       events in the store, from their acceptance until all is made of them
`crew` `worker`            processes that evaluate events, and what becomes of what they say
`outside` `calls`          what triggers refer to, as it is now, and interceptors that are servers
`metrics` `logs`           what is told of it
=========================  ====================================================================
"""
