"""Reads databases in the MaxMind DB format (2.0), where the package ``maxminddb`` is installed."""

from pathlib import Path

from pontlevis.knowledge.gathering import Bad, Contents, Gathering
from pontlevis.knowledge.lines import asn_of
from pontlevis.knowledge.policy import KnowledgePolicy

NUMBERS = ("autonomous_system_number", "asn", "as_number")
"""Under these names the known databases keep the AS number."""
NAMES = ("autonomous_system_organization", "as_name", "name", "organization", "org")


def read_mmdb(path: Path, policy: KnowledgePolicy) -> Contents:
    """All ranges of a database that says AS numbers.

    Raises OSError where it cannot be read, is no such database, or the package is not there.
    """
    try:
        from maxminddb import MODE_MEMORY, InvalidDatabaseError, open_database
    except ImportError:
        raise OSError(".mmdb needs the package maxminddb: pip install 'pontlevis[mmdb]'") from None
    if path.stat().st_size > policy.max_mmdb_bytes:
        raise OSError(f"greater than knowledge.max_mmdb_bytes, {policy.max_mmdb_bytes}")
    gathering = Gathering(policy.max_ranges, policy.max_names)
    try:
        # Not mapped: whoever copies a new file over the old one would end this process (SIGBUS).
        with open_database(path, MODE_MEMORY) as reader:
            for number, (network, record) in enumerate(reader, 1):
                try:
                    asn, name = _network_of(record)
                    if asn:
                        first, last = int(network.network_address), int(network.broadcast_address)
                        gathering.add(network.version, first, last, asn, name)
                except Bad as error:
                    gathering.spoilt(number, str(error))
    except (InvalidDatabaseError, ValueError, UnicodeDecodeError) as error:
        raise OSError(f"no readable database: {error}") from error
    return gathering.contents()


def _network_of(record: object) -> tuple[int, str]:
    if not isinstance(record, dict):
        raise Bad("the record is no map")
    number = next((record[name] for name in NUMBERS if name in record), 0)
    name = next((record[each] for each in NAMES if isinstance(record.get(each), str)), "")
    return asn_of(str(number)), name
