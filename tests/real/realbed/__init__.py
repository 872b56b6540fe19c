"""A bed of real partners: control server, tailnet peer, API server and pods, each in network namespaces
that the run made and that have no uplink.

Nothing here stands in for a partner: daemons come from the cache that ``tests/real/partners`` fills.
"""
