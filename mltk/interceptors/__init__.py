"""Interceptors of mltk's own, for senders that prove themselves otherwise than Tekton's know.

They speak the protocol of a ClusterInterceptor. `mltk listen` answers them itself; on a cluster
`mltk interceptor` does.
"""
