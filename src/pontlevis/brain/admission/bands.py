"""The four bands of service, and who belongs to which."""

from enum import IntEnum

from pontlevis.brain.vocabulary import Standing


class Band(IntEnum):
    """Served strictly in this order."""

    EXISTING = 0
    RECENT = 1
    NEW = 2
    ANONYMOUS = 3


BANDS = tuple(Band)
"""In order of service; iterating an enumeration costs a microsecond that a tuple does not."""

BAND_OF: dict[Standing, Band] = {
    Standing.OPERATOR: Band.EXISTING,
    Standing.PAID: Band.EXISTING,
    Standing.ESTABLISHED: Band.EXISTING,
    Standing.RECENT: Band.RECENT,
    Standing.NEW: Band.NEW,
    Standing.ANONYMOUS: Band.ANONYMOUS,
}
