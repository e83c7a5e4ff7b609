"""Sign-up, log-in, sessions, keys, waitlist.

Knows accounts and the storage that keeps them; speaks to the rest of the service through ``ports``.
"""
