"""What an account has earned, derived from facts about it.

Knows payment, tenure, verification, real use and evidence; does no I/O and reads no clock.
"""
