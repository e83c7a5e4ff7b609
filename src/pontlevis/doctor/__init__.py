"""Looks at a service before it starts or while it runs: what is wrong, what to do, what yesterday would have been.

Knows settings, files, the database and the engines' addresses; changes nothing, and asks nobody else.
Start at ``check``, then ``thresholds``, ``machine`` and ``yesterday``.
"""
