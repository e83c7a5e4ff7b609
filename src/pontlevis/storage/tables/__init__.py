"""Every table, one file per subject."""

from pontlevis.storage.tables import accounts, base, control, incidents, roles

__all__ = ["accounts", "base", "control", "incidents", "roles"]
