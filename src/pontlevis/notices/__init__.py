"""What leaves the service to be told: notices to the public's subscribers, alerts to operators.

Knows incidents and mail; nothing of pages, gateways or detectors. Every queue is bounded, every address
that a stranger may name is checked and pinned before anything is sent there.
"""
