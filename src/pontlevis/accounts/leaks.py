"""Leaked keys: whoever shows a whole secret has proved that it is out, and ends it."""

from dataclasses import dataclass

import msgspec

from pontlevis.accounts.key_rows import LEAKED
from pontlevis.accounts.keys import Keys, revoke
from pontlevis.accounts.letters import Letters
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.brain.credential import CredentialKind
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow, KeyRow

MOST_REPORTED = 100  # keys of one report; GitHub groups what it finds in one push
LONGEST_TEXT = 300  # of where a key was found, in the audit log


@dataclass(frozen=True, slots=True)
class LeakedKey:
    """One line of a report; the token is a secret."""

    token: str
    kind: str = ""
    """What the reporter calls its kind."""
    url: str = ""
    """Where it was found."""
    place: str = ""
    """As what: ``content``, ``commit`` …"""

    def __repr__(self) -> str:
        return f"LeakedKey(url={self.url!r})"


class Leaks(Keys, Letters):
    """Reports of leaked keys."""

    def count_report(self, source: str) -> None:
        """Raises ``AccountError`` 429 for too many unsigned reports from one source."""
        self.ask(self.leak_reports, source, self.clock())

    async def report_leaked(self, found: list[LeakedKey], *, source: str, reporter: str = "") -> int:
        """Ends the keys whose secrets are shown, tells their owners, and notes it; how many.

        What was made up costs a MAC and no more. Of a rotated key the secret that leaked ends: the old one
        alone where the new one is not out. ``reporter`` is who signed, empty for nobody.
        """
        ended = 0
        seen: set[str] = set()
        told: set[str] = set()
        for each in found[:MOST_REPORTED]:
            token = each.token.strip()
            if token not in seen and self.codec.judge(token) is not None:
                ended += await self._end(token, each, source, reporter, told)
            seen.add(token)
        return ended

    async def _end(self, token: str, found: LeakedKey, source: str, reporter: str, told: set[str]) -> bool:
        credential = self.codec.judge(token)
        if credential is None or credential.kind is not CredentialKind.API_KEY:
            return False
        now, hash_ = self.clock(), self.codec.secret_hash(credential.secret)
        async with self.database.session() as session:
            row = await session.get(KeyRow, credential.id)
            if row is None or row.revoked_at is not None or hash_ not in (row.secret_hash, row.former_hash):
                return False
            whole = hash_ == row.secret_hash
            gone: list[tuple[str, str]] = []
            if whole:
                gone = await revoke(session, [row.id], now, why=LEAKED)
                if not gone:
                    return False
            else:
                row.former_hash, row.former_until, row.revoked_for = None, None, LEAKED
            owner = await session.get(AccountRow, row.account_id)
            detail = {"key": row.name, "secret": "current" if whole else "former", "revoked": len(gone), "source": source,
                      "found_at": _plain(found.url), "place": _plain(found.place), "kind": _plain(found.kind)}  # fmt: skip
            await record_audit(
                session,
                at=now,
                actor=f"reporter {reporter}" if reporter else "public report",
                event="report:key:leaked",
                subject=row.id,
                detail=msgspec.json.encode(detail).decode(),
            )
            if owner is not None and owner.id not in told:
                told.add(owner.id)
                await self.leave_letter(session, LetterKind.LEAKED, owner.email, language=owner.language)
        if whole:
            await self.tell_revoked(gone, "the API key was reported as leaked and has been revoked")
        else:
            # What uses the old secret ends with the gateways' next look; what uses the new one goes on.
            await self.tell_keys([row.id])
        return True


def _plain(text: str) -> str:
    return "".join(each for each in text if each.isprintable())[:LONGEST_TEXT]
