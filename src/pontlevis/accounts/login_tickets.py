"""Tickets of half-finished log-ins: short-lived, for one listener and one network, good for a few tries."""

from dataclasses import dataclass

from sqlalchemy import delete, update

from pontlevis.accounts.factors import Realm
from pontlevis.accounts.sessions import Sessions
from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.detection.address import prefix_of
from pontlevis.storage.tables.factors import LoginTicketRow


@dataclass(frozen=True, slots=True)
class HeldTicket:
    """A ticket that holds."""

    id: str
    account: str
    home: str
    """The name of the owner's own place or device that the password came from; empty for a stranger."""


class LoginTickets(Sessions):
    """A ticket opens nothing: it says that its holder gave the right password a moment ago."""

    async def mint_ticket(self, account: str, *, source: str, home: str, realm: Realm) -> tuple[str, float]:
        """The ticket's token, and when it expires."""
        now = self.clock()
        id_, token, hash_ = self.mint(CredentialKind.TICKET, now)
        expires = now + self.policy.ticket_lifetime_s
        async with self.database.session() as session:
            session.add(
                LoginTicketRow(
                    id=id_,
                    account_id=account,
                    secret_hash=hash_,
                    realm=realm.value,
                    network=prefix_of(source)[:64],
                    home=home,
                    expires_at=expires,
                )
            )
        return token, expires

    async def ticket_of(self, token: str, *, source: str, realm: Realm) -> HeldTicket | None:
        """What this ticket says; None for one that does not hold here."""
        found = self.codec.judge_ticket(token, CredentialKind.TICKET)
        if found is None:
            return None
        async with self.database.session() as session:
            row = await session.get(LoginTicketRow, found.id)
        if (
            row is None
            or row.expires_at <= self.clock()
            or row.secret_hash != self.codec.secret_hash(found.secret)
            or row.realm != realm.value
            or row.network != prefix_of(source)[:64]
            or row.tries >= self.policy.ticket_tries
        ):
            return None
        return HeldTicket(row.id, row.account_id, row.home)

    async def count_try(self, ticket: str) -> bool:
        """False where it was tried too often already."""
        async with self.database.session() as session:
            counted = await session.scalar(
                update(LoginTicketRow)
                .where(LoginTicketRow.id == ticket, LoginTicketRow.tries < self.policy.ticket_tries)
                .values(tries=LoginTicketRow.tries + 1)
                .returning(LoginTicketRow.id)
                .execution_options(synchronize_session=False)
            )
        return counted is not None

    async def use_ticket(self, ticket: str) -> bool:
        """Deleting is what wins the race: of two who hold it only one finds the row."""
        async with self.database.session() as session:
            used = await session.scalar(
                delete(LoginTicketRow).where(LoginTicketRow.id == ticket).returning(LoginTicketRow.id)
            )
        return used is not None
