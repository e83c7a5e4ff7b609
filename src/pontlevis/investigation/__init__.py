"""Answers over the evidence: who it was, what they touched, what it cost; and the report for those who were not there.

Knows evidence, the brain's words, recorded incidents and the backtest; nothing of requests, pages or who runs it.
Start at ``archive``, then ``actors``, ``clusters``, ``investigate``.
"""
