"""Log-in at an OpenID Connect issuer: by an identity that is linked to an account, and by no address alone."""

import json
import logging
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from pontlevis.accounts.door import Newcomer
from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.factors import Realm, SecondFactorRequired
from pontlevis.accounts.login import LogIns, check_opens
from pontlevis.accounts.oidc_client import BadToken, Issuer, IssuerAway, Person
from pontlevis.accounts.signup import SignUps
from pontlevis.accounts.views import SessionGrant, SignUpKind
from pontlevis.brain.observation import Outcome
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.factors import IdentityRow

CONTEXT = "oidc flow"

log = logging.getLogger("pontlevis.accounts")


@dataclass(frozen=True, slots=True)
class OidcStart:
    """Where to send the browser, and what it keeps until it is back."""

    address: str
    flow: str
    """Sealed; for this browser alone."""

    def __repr__(self) -> str:
        return "OidcStart()"


@dataclass(frozen=True, slots=True)
class OidcDone:
    """How it ended well: a session, a link made, or an account that has to wait."""

    target: str
    grant: SessionGrant | None = None
    kind: SignUpKind | None = None
    email: str = ""


@dataclass(frozen=True, slots=True)
class IdentityView:
    """An issuer's identity that opens an account."""

    id: str
    issuer: str
    """The issuer's name, as its button has it."""
    email: str
    created_at: float


class Oidc(LogIns, SignUps):
    """An account is opened by issuer and subject. An address says whom to ask, never who somebody is."""

    async def begin_oidc(
        self, issuer: str, *, target: str, link: str = "", invitation: str = ""
    ) -> OidcStart:
        """``link`` is the account that is logged in and wants this identity; empty for a log-in.

        Raises ``AccountError``: 404 for an unknown issuer, 503 where it is away.
        """
        party = self._issuer(issuer)
        state, nonce, verifier = (self._random() for _ in range(3))
        try:
            address = await party.address(
                redirect=self._redirect(issuer), state=state, nonce=nonce, verifier=verifier
            )
        except IssuerAway as error:
            raise self._away(issuer, error) from None
        flow = {
            "issuer": issuer, "state": state, "nonce": nonce, "verifier": verifier, "target": target, "link": link,
            "invitation": invitation, "expires": self.clock() + self.policy.ticket_lifetime_s * 2,
        }  # fmt: skip
        return OidcStart(address, self.box.seal(json.dumps(flow), CONTEXT))

    async def finish_oidc(
        self,
        issuer: str,
        *,
        flow: str,
        state: str,
        code: str,
        source: str,
        fingerprint: int,
        named: str = "",
        error: str = "",
        account: str = "",
        challenge: str = "",
        agent: str = "",
        language: str = "en",
    ) -> OidcDone:
        """``account`` is whose session came along, ``challenge`` a solution for sign-up; ``named`` is the way
        back's ``iss``, ``error`` what the issuer sent in place of a code.

        Raises ``SecondFactorRequired``, and ``AccountError``: 400 for a flow that was begun elsewhere, too
        long ago, or is used twice; 403 for a consent that was refused, an address that is not verified or belongs to an account that
        is not linked, and whatever the door says to newcomers; 503 where the issuer is away.
        """
        party = self._issuer(issuer)
        begun = await self._begun(issuer, flow, state)
        self.ask(self.asks_oidc, source, self.clock())
        try:
            await party.check_sender(named)
            if error:
                raise _said(error)
            person = await party.person(
                code, redirect=self._redirect(issuer), nonce=begun["nonce"], verifier=begun["verifier"]
            )
        except IssuerAway as error:
            raise self._away(issuer, error) from None
        except BadToken as error:
            log.warning("account:oidc:refused issuer=%s %s", issuer, error)
            raise _failed() from None
        target = begun["target"]
        async with self.database.session() as session:
            held = await session.scalar(
                select(IdentityRow).where(
                    IdentityRow.issuer == party.settings.issuer, IdentityRow.subject == person.subject
                )
            )
            row = await session.get(AccountRow, held.account_id) if held is not None else None
        if begun["link"]:
            if begun["link"] != account:
                raise _failed()
            if row is not None and row.id != account:
                raise AccountError(409, "identity_known", "this identity opens another account already")
            if row is None:
                await self._link(account, party, person, source)
            return OidcDone(target)
        if row is not None:
            return OidcDone(target, await self._enter(row, source, fingerprint, agent))
        return await self._newcomer(
            party, person, begun, source, fingerprint, challenge=challenge, agent=agent, language=language
        )

    async def identities(self, account: str) -> list[IdentityView]:
        """The issuers' identities that open an account."""
        names = {each.settings.issuer: each.settings.name for each in self.issuers.values()}
        async with self.database.session() as session:
            rows = await session.scalars(
                select(IdentityRow).where(IdentityRow.account_id == account).order_by(IdentityRow.created_at)
            )
            return [
                IdentityView(
                    each.id,
                    names.get(each.issuer, each.issuer),
                    each.email,
                    each.created_at,
                )
                for each in rows
            ]

    async def unlink(self, account: str, identity: str, *, source: str) -> None:
        """Raises ``AccountError``: 404 for one that is not the account's, 409 for the only way in."""
        async with self.database.session() as session:
            row = await session.get_one(AccountRow, account)
            rest = await session.scalar(
                select(IdentityRow.id).where(IdentityRow.account_id == account, IdentityRow.id != identity)
            )
            if not row.password_hash and rest is None:
                raise AccountError(409, "only_way_in", "set a password first: this is the only way in")
            gone = await session.scalar(
                delete(IdentityRow)
                .where(IdentityRow.id == identity, IdentityRow.account_id == account)
                .returning(IdentityRow.id)
            )
            if gone is None:
                raise AccountError(404, "not_found", "there is no such identity")
            await self.changed(session, account, "account:identity:unlinked", source)

    async def _enter(self, row: AccountRow, source: str, fingerprint: int, agent: str) -> SessionGrant:
        saw = self.watcher(source, fingerprint, "", "")
        try:
            check_opens(row)
            await self.second_step(row.id, source=source, home="", realm=Realm.PUBLIC)
        except (SecondFactorRequired, AccountError):
            saw(Outcome.REFUSED, row)  # as at a log-in with a password
            raise
        saw(Outcome.OK, row)
        return await self.begin_session(row.id, source=source, agent=agent)

    async def _newcomer(
        self, party: Issuer, person: Person, begun: dict[str, str], source: str, fingerprint: int, *,
        challenge: str, agent: str, language: str,
    ) -> OidcDone:  # fmt: skip
        if not person.verified or not person.email:
            raise AccountError(
                403, "email_unverified", "the issuer does not say that your address is confirmed"
            )
        key = email_key(check_email(person.email))
        async with self.database.session() as session:
            known = await session.scalar(select(AccountRow.id).where(AccountRow.email_key == key))
        if known is not None:
            # Never by the address alone: whoever runs or fools an issuer would own every account.
            raise AccountError(
                403, "link_first", "there is an account with this address: log in to it, then link it"
            )
        done = await self.register(
            Newcomer(
                person.email, source, fingerprint, proven=True, challenge=challenge,
                invitation=begun["invitation"], language=language,
            )
        )  # fmt: skip
        if done.account is None:
            return OidcDone(begun["target"], kind=done.kind, email=person.email)
        await self._link(done.account.id, party, person, source, told=False)
        if done.kind is not SignUpKind.CREATED:
            return OidcDone(begun["target"], kind=done.kind, email=person.email)
        grant = await self.begin_session(done.account.id, source=source, agent=agent)
        return OidcDone(begun["target"], grant, done.kind)

    async def _link(
        self, account: str, party: Issuer, person: Person, source: str, *, told: bool = True
    ) -> None:
        try:
            async with self.database.session() as session:
                session.add(
                    IdentityRow(
                        id=self.new_id(), account_id=account, issuer=party.settings.issuer, subject=person.subject,
                        email=person.email[:320], created_at=self.clock(),
                    )
                )  # fmt: skip
                await session.flush()
                if told:
                    await self.changed(session, account, "account:identity:linked", source)
        except IntegrityError:
            raise AccountError(409, "identity_known", "this identity opens another account already") from None

    async def _begun(self, issuer: str, flow: str, state: str) -> dict[str, str]:
        """What this browser began. Raises ``AccountError`` 400."""
        try:
            found = json.loads(self.box.open(flow, CONTEXT))
        except ValueError:
            raise _failed() from None
        if found["issuer"] != issuer or not compare_digest(found["state"].encode(), state.encode()):
            raise _failed()
        once = blake2b(state.encode(), digest_size=16).hexdigest()
        if found["expires"] <= self.clock() or not await self.spent.spend(once, self.clock() + 3_600):
            raise _failed()
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def _issuer(self, issuer: str) -> Issuer:
        found = self.issuers.get(issuer)
        if found is None:
            raise AccountError(404, "not_found", "there is no such issuer")
        return found

    def _redirect(self, issuer: str) -> str:
        return self.page(f"/login/oidc/{issuer}/callback")

    def _random(self) -> str:
        return urlsafe_b64encode(self.entropy(32)).decode().rstrip("=")

    def _away(self, issuer: str, error: IssuerAway) -> AccountError:
        log.warning("account:oidc:away issuer=%s %s", issuer, error)
        return AccountError(
            503, "issuer_away", "the issuer cannot be reached at this moment", retry_after_s=30
        )


def _said(error: str) -> AccountError:
    """RFC 6749 §4.1.2.1. What an issuer describes in words of its own is not shown."""
    if error == "access_denied":
        return AccountError(403, "oidc_refused", "the log-in was refused at the issuer, or given up there")
    if error in ("server_error", "temporarily_unavailable"):
        return AccountError(
            503, "issuer_away", "the issuer cannot be reached at this moment", retry_after_s=30
        )
    return _failed()


def _failed() -> AccountError:
    return AccountError(400, "oidc_failed", "this log-in was begun elsewhere, too long ago, or used already")
