"""A virtual plant and a virtual cloud, speaking real protocols on real sockets.

Written from the vendors' protocol documents and from nothing else: it never looks at the gateway's
profiles or code, so that a mistake in one shows up against the other.
"""
