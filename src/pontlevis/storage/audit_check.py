"""Checks the audit log against its own hashes, its end, and anchors that were kept elsewhere."""

import hmac
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage.audit import all_audit, head_of, line_of
from pontlevis.storage.chain import Head, head_mac, line_hash
from pontlevis.storage.tables.control import AuditHeadRow


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the chain stood once; kept where nobody who can write the database can write."""

    count: int
    id: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """``problem`` is empty where the log is whole; ``line`` is the id of the first line that is not, or 0."""

    whole: bool
    lines: int
    problem: str
    line: int
    signed: bool
    """Whether the end was checked against an HMAC."""
    anchors: int
    """How many anchors were met."""
    anchor: Anchor
    """Where the chain ends now."""


async def verify_audit(
    session: AsyncSession, *, key: bytes | None = None, anchors: tuple[Anchor, ...] = ()
) -> AuditVerdict:
    """Walks the whole chain, oldest first; stops at the first line that does not fit.

    ``session`` is one of ``Database.snapshot``: a line that is written, or forgotten by retention, while the chain is
    walked would look like a break in any other.
    ``key`` is that of the end's HMAC. Reads in parts, so that memory does not grow with the log.
    """
    row = await session.get(AuditHeadRow, 1)
    if row is None:
        return AuditVerdict(False, 0, "the end of the chain is missing", 0, False, 0, Anchor(0, 0, ""))
    head, mac = head_of(row), row.mac
    session.expunge_all()
    by_count = {each.count: each for each in anchors}
    prior, count, last, met = head.base_hash, head.base_count, 0, 0

    def broken(problem: str, line: int) -> AuditVerdict:
        return AuditVerdict(False, count - head.base_count, problem, line, False, met, _end(head))

    async for each in all_audit(session):
        if each.id > head.last_id:
            return broken("it was added without the chain: it stands after its end", each.id)
        if each.prior != prior:
            return broken("what stands before it was changed, removed or put elsewhere", each.id)
        if each.hash != line_hash(prior, line_of(each)):
            return broken("its content is not what was written", each.id)
        prior, count, last = each.hash, count + 1, each.id
        anchor = by_count.get(count)
        if anchor is not None:
            if anchor.hash != prior or anchor.id != last:
                return broken("it is not the line that the anchor names: the chain was written anew", each.id)
            met += 1
    if (count, prior) != (head.count, head.hash) or (last not in (head.last_id, 0)):
        return broken(f"the chain ends here, and {head.count - count} lines were written after it", last)
    if any(each.count > count for each in anchors):
        return broken("an anchor names a later line than the last one: the chain was shortened", last)
    if key is not None and not hmac.compare_digest(mac, head_mac(key, head)):
        return broken("the end of the chain was not written by this service: its seal does not fit", last)
    return AuditVerdict(True, count - head.base_count, "", 0, key is not None, met, _end(head))


def _end(head: Head) -> Anchor:
    return Anchor(head.count, head.last_id, head.hash)
