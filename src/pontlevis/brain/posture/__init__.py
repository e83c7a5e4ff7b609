"""The ladder normal, elevated, under_attack, recovering, and what each does to registration.

Knows findings, health and time as it is told them; does no I/O and reads no clock.
Start at ``ladder`` (what a rung means), then ``evidence`` (reasons to rise), then ``machine``.
"""
