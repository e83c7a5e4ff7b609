"""Detection and posture before people, crowds and attackers in virtual time, with a closed loop.

What the brain says takes effect at the doors, and what the doors refuse is what it sees next. Synthetic: no
labelled record of a sign-up flood or of credential stuffing is public. Imports the brain, reads no clock.
"""
