"""What is kept for later: the journal of what the brain was told, and its replay.

Knows the brain's words and files; nothing of requests, pages, the database or who runs it.
Start at ``policy``, then ``frames`` (the format), ``journal`` (writing), ``reader`` and ``replay``.
"""
