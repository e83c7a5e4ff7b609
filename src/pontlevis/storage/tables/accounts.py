"""Accounts, keys, sessions, usage, waitlist."""
