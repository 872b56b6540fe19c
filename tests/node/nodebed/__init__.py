"""A Kubernetes node of real programs in namespaces without uplink, with a control server and a tailnet peer beside it.

Built on realbed, which has the namespaces, processes, certificates, Headscale, the peer and the API server.
"""
