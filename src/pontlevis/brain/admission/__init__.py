"""Who may use the engine now: limits, bands, queues, shedding, choice of engine.

Knows requests, engines and time as it is told them; does no I/O and reads no clock.
"""
