"""Letters to owners of addresses, and the single-use links and codes in them."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.mail.outbox import leave
from pontlevis.accounts.rooms import Rooms
from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.detection.address import place_of
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.gate import LinkRow

VERIFY, RESET = "verify", "reset"
CODE_DIGITS = 6


class Letters(Rooms):
    """Leaves letters, mints and redeems links. Nothing here sends anything."""

    async def leave_letter(
        self, session: AsyncSession, kind: LetterKind, email: str, *, language: str, source: str = ""
    ) -> bool:
        """Within the caller's transaction; False where a cap forbids it, which nobody outside is told."""
        return await leave(
            session,
            self.mail_policy,
            kind,
            email,
            language=language,
            source=place_of(source) if source else "",
            now=self.clock(),
        )

    async def mint_link(self, session: AsyncSession, purpose: str, account: str) -> tuple[str, str]:
        """A link's token and a code; those of earlier letters for the same purpose are void."""
        now = self.clock()
        lifetime_s = self.policy.reset_lifetime_s if purpose == RESET else self.policy.verify_lifetime_s
        id_, token, hash_ = self.mint(CredentialKind.LINK, now)
        code = f"{int.from_bytes(self.entropy(8)) % 10**CODE_DIGITS:0{CODE_DIGITS}}"
        await session.execute(
            delete(LinkRow).where(LinkRow.purpose == purpose, LinkRow.account_id == account)
        )
        session.add(
            LinkRow(
                id=id_,
                purpose=purpose,
                account_id=account,
                secret_hash=hash_,
                code_hash=self._code_hash(id_, code),
                created_at=now,
                expires_at=now + lifetime_s,
            )
        )
        return token, code

    async def link_owner(self, token: str, purpose: str) -> str | None:
        """The address of the account that this link is for, None where it holds not; uses nothing up."""
        found = self.codec.judge_ticket(token, CredentialKind.LINK)
        if found is None:
            return None
        async with self.database.session() as session:
            row = await session.get(LinkRow, found.id)
            if row is None or row.purpose != purpose or row.expires_at <= self.clock():
                return None
            if row.secret_hash != self.codec.secret_hash(found.secret):
                return None
            account = await session.get(AccountRow, row.account_id)
        return account.email if account is not None else None

    async def use_link(self, session: AsyncSession, token: str, purpose: str) -> AccountRow | None:
        """The account whose owner read the letter; None for a link that does not hold. Uses it up.

        Deleting is what wins the race: of two who hold the link only one finds the row.
        """
        found = self.codec.judge_ticket(token, CredentialKind.LINK)
        if found is None:
            return None
        account = await session.scalar(
            delete(LinkRow)
            .where(
                LinkRow.id == found.id,
                LinkRow.purpose == purpose,
                LinkRow.secret_hash == self.codec.secret_hash(found.secret),
                LinkRow.expires_at > self.clock(),
            )
            .returning(LinkRow.account_id)
        )
        return await session.get(AccountRow, account) if account is not None else None

    async def use_code(self, session: AsyncSession, key: str, code: str, purpose: str) -> AccountRow | None:
        """The account of the address, if this is the code of its letter; a wrong one is counted."""
        row = await session.scalar(select(AccountRow).where(AccountRow.email_key == key))
        links: Sequence[LinkRow] = (
            await session.scalars(
                select(LinkRow).where(
                    LinkRow.purpose == purpose,
                    LinkRow.account_id == (row.id if row is not None else ""),
                    LinkRow.expires_at > self.clock(),
                    LinkRow.tries < self.policy.code_tries,
                )
            )
        ).all()
        digits = "".join(each for each in code if each.isdigit())
        # Where there is none the same is asked for nobody: how long it takes says nothing about who is here.
        for link_id, code_hash in [(each.id, each.code_hash) for each in links] or [("", b"")]:
            # Counted before it is judged, and as one statement, so that no volley of tries is one try.
            counted = await session.scalar(
                update(LinkRow)
                .where(LinkRow.id == link_id, LinkRow.tries < self.policy.code_tries)
                .values(tries=LinkRow.tries + 1)
                .returning(LinkRow.id)
                .execution_options(synchronize_session=False)
            )
            if self._code_hash(link_id, digits) == code_hash and counted is not None:
                await session.execute(delete(LinkRow).where(LinkRow.id == link_id))
                return row
        return None

    def page(self, path: str) -> str:
        """An address of ours, whatever name a request called us by."""
        return f"{self.site.base_url}{path}"

    def _code_hash(self, link: str, code: str) -> bytes:
        return self.codec.fresh_hash(f"code {link} {code}".encode())
