"""CPU per plain, streamed and refused request: Pontlevis beside Envoy and a direct connection, in one run.

Whoever measures here sees no clock of the wall in a verdict: ratios only, rounds interleaved, so that a
busy machine slows everybody alike.
"""
