"""Passkeys (WebAuthn): made, listed, taken away, and log-in with them alone.

A passkey is something that its owner has, unlocked by something they know or are (user verification is
required), so it is a whole log-in, with no password before it and no other factor after it.
"""

import json
import logging
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from webauthn.helpers import bytes_to_base64url

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.factors import Factor, Realm
from pontlevis.accounts.login import LogIns, check_opens
from pontlevis.accounts.views import SessionGrant
from pontlevis.accounts.webauthn_rp import LONGEST_ANSWER, BadPasskey, RelyingParty
from pontlevis.brain.credential import SECRET_BYTES, CredentialKind
from pontlevis.brain.detection.address import place_of
from pontlevis.brain.observation import Outcome
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.factors import PasskeyRow

NOBODY = {Realm.PUBLIC: "0" * 16, Realm.OPERATOR: "f" * 16}
"""Stands for an account in the challenge of a log-in: one that a listener gave out is of no use at the other."""
LONGEST_NAME = 100
NOBODYS_KEY = bytes.fromhex(
    "a50102032620012158206b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "2258204fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
"""A P-256 key in COSE form (RFC 9053), the curve's base point (FIPS 186-4 D.1.2.3): it takes the time and opens nothing."""

log = logging.getLogger("pontlevis.accounts")


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a browser needs to make or to show a passkey."""

    options: str
    """JSON, for ``navigator.credentials``."""
    state: str
    """To be sent back with the answer: our own challenge, which nobody can make up; used once."""


class Passkeys(LogIns):
    """The challenge of a ceremony is a signed text in the browser's hands, so that strangers cost no memory."""

    @property
    def relying_party(self) -> RelyingParty | None:
        """None where the public address allows no passkeys."""
        return self.party_of(Realm.PUBLIC)

    def party_of(self, realm: Realm) -> RelyingParty | None:
        """The same for either listener."""
        if realm is Realm.PUBLIC:
            return RelyingParty.of(self.site.base_url, self.site.name)
        return RelyingParty.of(self.site.operator_url, f"{self.site.name} (console)")

    async def begin_passkey(self, account: str, *, realm: Realm = Realm.PUBLIC) -> Ceremony:
        """For making one. Raises ``AccountError`` 409 where none can be made or the account has too many."""
        party = self._party(realm)
        async with self.database.session() as session:
            owner = await session.get_one(AccountRow, account)
            held = await session.execute(
                select(PasskeyRow.credential_id, PasskeyRow.realm).where(PasskeyRow.account_id == account)
            )
            all_ = [(str(id_), Realm(of)) for id_, of in held]
        known = [id_ for id_, of in all_ if of is realm]
        if len(all_) >= self.policy.passkeys_per_account:
            raise _too_many(self.policy.passkeys_per_account)
        state, challenge = self._challenge(account)
        options = party.creation_options(
            challenge, _user(account, realm), owner.email, known, lifetime_s=self.policy.ticket_lifetime_s
        )
        return Ceremony(options, state)

    async def add_passkey(
        self,
        account: str,
        state: str,
        answer: str,
        name: str,
        *,
        source: str,
        realm: Realm = Realm.PUBLIC,
    ) -> list[str]:
        """Keeps what the browser made. Returns recovery codes where there were none, shown this once.

        Raises ``AccountError``: 400 for an answer that does not hold, 409 for one that is known already.
        """
        party = self._party(realm)
        text = " ".join(name.split())[:LONGEST_NAME] or "passkey"
        if not text.isprintable():
            raise AccountError(
                400, "invalid_name", "the name has characters that cannot be shown", param="name"
            )
        challenge = await self._spent_challenge(state, account)
        try:
            made = party.made(answer, challenge)
        except BadPasskey as error:
            log.debug("account:passkey:refused %s", error.reason)
            raise _bad() from None
        try:
            async with self.database.session() as session:
                held = await session.scalar(
                    select(func.count()).select_from(PasskeyRow).where(PasskeyRow.account_id == account)
                )
                if (held or 0) >= self.policy.passkeys_per_account:
                    raise _too_many(self.policy.passkeys_per_account)
                codes = await self.codes_where_none(session, account)
                session.add(
                    PasskeyRow(
                        id=self.new_id(),
                        account_id=account,
                        credential_id=bytes_to_base64url(made.credential_id),
                        public_key=made.credential_public_key,
                        sign_count=made.sign_count,
                        synced=made.credential_backed_up,
                        name=text,
                        created_at=self.clock(),
                        realm=realm.value,
                    )
                )
                await session.flush()
                await self.changed(session, account, "account:passkey:set", source)
        except IntegrityError:
            raise AccountError(409, "passkey_known", "this passkey is known already") from None
        return codes

    async def remove_passkey(self, account: str, passkey: str, *, source: str) -> None:
        """Raises ``AccountError`` 404 for one that is not the account's."""
        async with self.database.session() as session:
            gone = await session.scalar(
                delete(PasskeyRow)
                .where(PasskeyRow.id == passkey, PasskeyRow.account_id == account)
                .returning(PasskeyRow.id)
            )
            if gone is None:
                raise AccountError(404, "not_found", "there is no such passkey")
            await self.drop_codes_with_last(session, account)
            await self.changed(session, account, "account:passkey:removed", source)

    def begin_passkey_log_in(self, realm: Realm = Realm.PUBLIC) -> Ceremony:
        """The same for everybody, so it tells nothing of who has an account. Raises ``AccountError`` 409."""
        party = self._party(realm)
        state, challenge = self._challenge(NOBODY[realm])
        return Ceremony(party.request_options(challenge, lifetime_s=self.policy.ticket_lifetime_s), state)

    async def passkey_log_in(
        self,
        state: str,
        answer: str,
        *,
        source: str,
        fingerprint: int,
        agent: str = "",
        realm: Realm = Realm.PUBLIC,
    ) -> SessionGrant:
        """A session for the owner of the passkey that was shown, which was made for this listener.

        Raises ``AccountError``: 401 for one that does not hold (which of the reasons is not told), 403 for
        a disabled account and for one whose password must be changed first, 429 while a delay runs for this source.
        """
        now = self.clock()
        party = self._party(realm)
        saw = self.watcher(source, fingerprint, "", "")
        slowed = [f"source {place_of(source)}"]
        self.slow_down(slowed, now, lambda: saw(Outcome.REFUSED, None))
        challenge = await self._spent_challenge(state, NOBODY[realm])
        held = await self._passkey_of(answer, realm)
        try:
            # One that nobody has is judged like any other, so that the time taken tells nothing.
            public_key, count = (held.public_key, held.sign_count) if held is not None else (NOBODYS_KEY, 0)
            shown = party.shown(answer, challenge, public_key, count)
            if held is None:
                raise BadPasskey("it is not known here")
        except BadPasskey as error:
            log.debug("account:passkey:refused %s", error.reason)
            self.delays.failed(slowed[0], now)
            saw(Outcome.UNKNOWN_USER if held is None else Outcome.BAD_CREDENTIAL, None)
            raise AccountError(401, "passkey_invalid", "this passkey does not open an account here") from None
        async with self.database.session() as session:
            row = await session.get_one(AccountRow, held.account_id)
            # As one statement: of two copies that are shown at once only one moves the counter on.
            moved = await session.scalar(
                update(PasskeyRow)
                .where(PasskeyRow.id == held.id, PasskeyRow.sign_count == held.sign_count)
                .values(sign_count=shown.new_sign_count, last_used_at=now, synced=shown.credential_backed_up)
                .returning(PasskeyRow.id)
                .execution_options(synchronize_session=False)
            )
            if moved is not None:
                await record_audit(
                    session, at=now, actor="owner", event="account:passkey:used", subject=row.id, detail=""
                )
        if moved is None or row.unverified or (realm is Realm.OPERATOR and not row.operator):
            saw(Outcome.BAD_CREDENTIAL, row)
            raise AccountError(401, "passkey_invalid", "this passkey does not open an account here")
        try:
            check_opens(row)
        except AccountError:
            saw(Outcome.REFUSED, row)
            raise
        self.delays.forgive(slowed[0])
        saw(Outcome.OK, row)
        return await self.begin_session(row.id, source=source, agent=agent, factor=Factor.PASSKEY)

    def _party(self, realm: Realm) -> RelyingParty:
        party = self.party_of(realm)
        if party is None:
            raise AccountError(
                409, "passkeys_unavailable", "passkeys need a public address with a name and HTTPS"
            )
        return party

    def _challenge(self, account: str) -> tuple[str, bytes]:
        secret = self.entropy(SECRET_BYTES)
        return self.codec.mint(CredentialKind.CEREMONY, account, int(self.clock()), secret), secret

    async def _spent_challenge(self, state: str, account: str) -> bytes:
        """The challenge that was given out to this account, used up with it. Raises ``AccountError`` 400."""
        found = self.codec.judge_ticket(state, CredentialKind.CEREMONY)
        now = self.clock()
        if found is None or found.id != account:
            raise _bad()
        expires = found.issued_at + self.policy.ticket_lifetime_s
        if expires <= now or not await self.spent.spend(found.secret.hex()[:32], expires):
            raise _bad()
        return found.secret

    async def _passkey_of(self, answer: str, realm: Realm) -> PasskeyRow | None:
        try:
            found = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
        except (ValueError, RecursionError):
            return None
        id_ = found.get("id") if isinstance(found, dict) else None
        if not isinstance(id_, str) or len(id_) > 1_400 or not id_.isascii():
            return None
        async with self.database.session() as session:
            row: PasskeyRow | None = await session.scalar(
                select(PasskeyRow).where(PasskeyRow.credential_id == id_, PasskeyRow.realm == realm.value)
            )
        return row


def _user(account: str, realm: Realm) -> str:
    """Another one for each listener: where both have the same name (``localhost``), an authenticator would put
    the console's passkey in the place of the public one."""
    return account if realm is Realm.PUBLIC else f"{realm.value}:{account}"


def _bad() -> AccountError:
    return AccountError(
        400, "passkey_failed", "the passkey's answer does not hold, or came too late; please try again"
    )


def _too_many(most: int) -> AccountError:
    return AccountError(409, "too_many_passkeys", f"an account has at most {most} passkeys")
