"""Letters: what they say, how many may be sent, and who carries them.

Knows the database's letters and SMTP; a request only leaves a letter here, it never sends one.
"""
