"""The upstream operator on the node: how it is installed, what it is asked for, and what its pods leave behind.

The operator is its own release, unchanged; so are its manifest and the pods that it writes. Only what a person sets is
set: image names, the login server, credentials, and a ProxyClass with the trust of the test authority.
"""
