"""Reads lists of prefixes, and tables of ranges with their autonomous system, line by line."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

from pontlevis.knowledge.gathering import Bad, Contents, Gathering
from pontlevis.knowledge.policy import KnowledgePolicy

Range = tuple[int, int, int]
"""Version, first and last address as whole numbers."""


def read_prefixes(path: Path, policy: KnowledgePolicy) -> Contents:
    """A list: an address, a prefix or ``first-last`` at the beginning of each line, whatever comes after
    it; ``#`` and ``;`` begin a comment. Raises OSError where the file cannot be read.
    """
    gathering = Gathering(policy.max_ranges, policy.max_names)
    for number, line in _lines(path, policy, gathering):
        word = line.replace(",", " ").replace("\t", " ").split("#")[0].split(";")[0].split()
        if not word:
            continue
        try:
            gathering.add(*_range(word[0].strip("\"'")), 1)
        except ValueError as error:
            gathering.spoilt(number, _why(error, word[0]))
    return gathering.contents()


def read_networks(path: Path, policy: KnowledgePolicy) -> Contents:
    """A table with a comma or a tab between its columns: ``start,end,asn,name`` or ``prefix,asn,name``.

    Addresses may be whole numbers, an AS number may begin with ``AS``, columns after these and a head
    line are passed over; AS 0 means that the range belongs to nobody. Raises OSError as above.
    """
    gathering = Gathering(policy.max_ranges, policy.max_names)
    for number, line in _lines(path, policy, gathering):
        if not line.strip() or line.startswith("#"):
            continue
        cells: list[str] = []
        try:
            cells = next(csv.reader([line], delimiter="\t" if "\t" in line else ",", strict=True))
            _take(gathering, [cell.strip() for cell in cells])
        except (ValueError, csv.Error) as error:
            if number == 1 and not any(character.isdigit() for character in line):
                continue  # the head
            gathering.spoilt(number, _why(error, cells[0] if cells else line))
    return gathering.contents()


def _take(gathering: Gathering, cells: list[str]) -> None:
    if "/" in cells[0]:
        version, first, last = _range(cells[0])
        rest = cells[1:]
    else:
        if len(cells) < 3:
            raise Bad("too few columns")
        version, first = _number(cells[0])
        other, last = _number(cells[1])
        # A whole number says its family only when it is too large for IPv4.
        version = max(version, other) if cells[0].isdigit() else version
        if version != max(other, version):
            raise Bad("first and last are of two families")
        rest = cells[2:]
        if rest and "/" in rest[0]:
            rest = rest[1:]
    if not rest:
        raise Bad("too few columns")
    asn = asn_of(rest[0])
    if asn:
        gathering.add(version, first, last, asn, rest[-1] if len(rest) > 1 else "")


def asn_of(word: str) -> int:
    """The number in ``64500``, ``AS64500`` or an empty cell. Raises Bad for anything else."""
    bare = word[2:] if word[:2].upper() == "AS" else word
    if bare in {"", "-"}:
        return 0
    if not bare.isdigit() or len(bare) > 10:
        raise Bad("no AS number")
    return int(bare)


def _number(word: str) -> tuple[int, int]:
    if word.isdigit() and len(word) <= 39:
        value = int(word)
        return (6 if value >> 32 else 4), value
    address = ip_address(word)
    return address.version, int(address)


def _range(word: str) -> Range:
    if "/" not in word and "-" in word:
        start, _, end = word.partition("-")
        first, last = ip_address(start), ip_address(end)
        if first.version != last.version:
            raise Bad("first and last are of two families")
        return first.version, int(first), int(last)
    network = ip_network(word, strict=False)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _why(error: Exception, word: str) -> str:
    return f"{error}" if isinstance(error, Bad) else f"{word[:40]!r} is no address and no prefix"


def _lines(path: Path, policy: KnowledgePolicy, gathering: Gathering) -> Iterator[tuple[int, str]]:
    """Each line with its number; of one that is too long or no text only that it was bad."""
    most = policy.max_line_bytes
    number = 0
    skipping = False
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        try:
            while raw := file.readline(most):
                whole = raw.endswith(b"\n") or len(raw) < most
                begins, skipping = not skipping, not whole
                if not begins:
                    continue
                number += 1
                if not whole:
                    gathering.spoilt(number, f"longer than {most} bytes")
                    continue
                try:
                    yield number, raw.decode("utf-8-sig").rstrip("\r\n")
                except UnicodeDecodeError:
                    gathering.spoilt(number, "not UTF-8")
        except (EOFError, zlib.error) as error:
            raise OSError(f"broken compression after line {number}: {error}") from error
