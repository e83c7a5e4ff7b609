"""Turns observations into findings, and findings into one verdict.

Knows observations, samples and time as it is told them; does no I/O and reads no clock.
Start at ``detection``; then ``signals`` (what is counted), one file a detector, ``verdict``, ``measures``.
"""
