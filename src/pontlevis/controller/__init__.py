"""Ticks of detection and posture, supervision, composition of the other rooms."""
