"""Recorded logs through the same brain, faster than real time.

Knows the brain and how logs are written; opens the files that it is given and nothing else.
"""
