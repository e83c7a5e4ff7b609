"""What Pontlevis thinks: detection, posture, admission, standing.

Knows events and times that it is given; opens no socket, reads no clock, draws no randomness of its
own. The gateway, the simulator and the backtest drive this same code.
"""
