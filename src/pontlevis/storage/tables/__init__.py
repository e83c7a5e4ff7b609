"""Every table, one file per subject."""

from pontlevis.storage.tables import (
    accounts,
    base,
    control,
    evidence,
    factors,
    gate,
    incidents,
    roles,
    telling,
)

__all__ = ["accounts", "base", "control", "evidence", "factors", "gate", "incidents", "roles", "telling"]
