"""Making accounts, and what happens to those who may not now."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.challenge import outcome_of
from pontlevis.accounts.door import Door, Entry, Newcomer, invalid_invitation
from pontlevis.accounts.emails import check_email, domain_of, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.policy import Verification
from pontlevis.accounts.views import SignUp, SignUpKind, account_view
from pontlevis.brain.detection.address import place_of
from pontlevis.brain.fingerprint import agent_of
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.storage.held_address import hold_address
from pontlevis.storage.sums import insert_for, table_of
from pontlevis.storage.tables.accounts import AccountRow, WaitlistRow

_NAMES = tuple(column.name for column in table_of(AccountRow).columns if column.name != "id")
_INVALID = frozenset({"challenge_required", "challenge_failed", "invitation_invalid"})


class SignUps(Door):
    """Sign-up and joining the waitlist."""

    async def sign_up(
        self,
        email: str,
        password: str,
        *,
        source: str,
        fingerprint: int,
        challenge: str = "",
        invitation: str = "",
        language: str = "en",
    ) -> SignUp:
        """``register`` for somebody with a password."""
        return await self.register(
            Newcomer(
                email,
                source,
                fingerprint,
                password,
                challenge=challenge,
                invitation=invitation,
                language=language,
            )
        )

    async def register(self, newcomer: Newcomer) -> SignUp:
        """Makes an account, or holds the address as the mode says: the one way in, for whoever comes.

        Raises ``AccountError``: 400 for a bad address or password, 403 for a challenge or an invitation
        that does not hold, 409 for an address that has an account, 429 for too many from one source, 503
        while registration is suspended or too many wait.
        """
        now = self.clock()
        domain = domain_of(newcomer.email)

        def saw(outcome: Outcome, account: str = "") -> None:
            self.watch.observe(
                Observation(
                    now,
                    Kind.SIGNUP,
                    outcome,
                    newcomer.source,
                    int(newcomer.fingerprint),
                    account,
                    0,
                    domain,
                    agent=agent_of(newcomer.fingerprint),
                )
            )

        try:
            done, outcome = await self._register(newcomer, now)
        except AccountError as error:
            invalid = error.status in (400, 409) or error.code in _INVALID
            saw(outcome_of(error) or (Outcome.INVALID if invalid else Outcome.REFUSED))
            raise
        saw(outcome, done.account.id if done.account else "")
        # Where nobody is told who has an account, nobody is told what was made either.
        return SignUp(done.kind) if done.kind is SignUpKind.UNVERIFIED else done

    async def join_waitlist(self, email: str, *, source: str, language: str = "en") -> None:
        """Keeps the address until registration opens; says nothing about whether it was known.

        Raises ``AccountError`` 400 or 429.
        """
        now = self.clock()
        address = self._check_address(email)
        self._count(source, now)
        await self._hold(address, source, language, now)

    async def _register(self, newcomer: Newcomer, now: float) -> tuple[SignUp, Outcome]:
        solved = self.knock(newcomer)
        address = check_email(newcomer.email) if newcomer.invitation else self._check_address(newcomer.email)
        text = await self.pool.check(newcomer.password, address) if newcomer.password is not None else None
        self._count(newcomer.source, now)
        key = email_key(address)
        entry = await self.enter(newcomer, key, solved)
        quiet = self.policy.verification is Verification.REQUIRED
        async with self.database.session() as session:
            known = await session.scalar(select(AccountRow).where(AccountRow.email_key == key))
        if known is not None and not quiet:
            self.known_answers.take(place_of(newcomer.source), now)
            raise _exists()
        if not entry.let_in:
            await self._hold(address, newcomer.source, newcomer.language, now)
            return SignUp(SignUpKind.WAITLISTED), Outcome.REFUSED
        # Hashed in either case, so that the time taken tells nothing.
        hashed = await self.pool.hash(text, familiar=False) if text is not None else ""
        row = self._row(newcomer, entry, address, hashed, now)
        async with self.database.session() as session:
            made = await self._insert(session, row, key)
            if not made and not quiet:
                raise _exists()
            if entry.invitation and not await self.use_invitation(session, entry.invitation, row.id):
                raise invalid_invitation()
            await session.execute(
                update(WaitlistRow)
                .where(WaitlistRow.email_key == key, WaitlistRow.registered_at.is_(None))
                .values(registered_at=now)
            )
            if not made:
                # To the owner of the account, and nobody else is told which of the two letters it is.
                to, language = (
                    (address, newcomer.language) if known is None else (known.email, known.language)
                )
                await self.leave_letter(
                    session, LetterKind.KNOWN, to, language=language, source=newcomer.source
                )
            elif row.verified_at is None and self.policy.verification is not Verification.OFF:
                await self.leave_letter(
                    session, LetterKind.VERIFY, address, language=row.language, source=newcomer.source
                )
        if not made:
            return SignUp(SignUpKind.UNVERIFIED), Outcome.INVALID
        if not row.unverified:
            # Before its address is confirmed nothing opens it, and gateways need not know of it.
            await self.publish_account(row)
        kind = SignUpKind.PENDING if row.pending else SignUpKind.CREATED
        if row.unverified:
            kind = SignUpKind.UNVERIFIED
        outcome = Outcome.REFUSED if kind is SignUpKind.PENDING else Outcome.OK
        return SignUp(kind, account_view(row)), outcome

    def _row(self, newcomer: Newcomer, entry: Entry, address: str, hashed: str, now: float) -> AccountRow:
        proven = newcomer.proven or entry.proven
        row = AccountRow(
            id=self.new_id(),
            email=address,
            email_key=email_key(address),
            password_hash=hashed,
            pending=entry.approval,
            unverified=self.policy.verification is Verification.REQUIRED and not proven,
            verified_at=now if proven else None,
            language=newcomer.language,
            # Whoever makes an account may log in to it from there without being a stranger.
            familiar=place_of(newcomer.source),
            created_at=now,
            created_from=newcomer.source,
            created_fingerprint=int(newcomer.fingerprint),
        )
        self._settle_standing(row, now)
        return row

    async def _insert(self, session: AsyncSession, row: AccountRow, key: str) -> bool:
        """Whether the account is made; False where the address has one. The same statements in either case."""
        # Looked for here, too: under a look-up key that is being replaced the constraint alone would not find it.
        await hold_address(session, key)
        known = await session.scalar(select(AccountRow.id).where(AccountRow.email_key == key))
        values = {name: value for name in _NAMES if (value := getattr(row, name)) is not None}
        statement = insert_for(session)(AccountRow).values(**values, id=row.id if known is None else known)
        made = await session.scalar(statement.on_conflict_do_nothing().returning(AccountRow.id))
        return made is not None

    def _check_address(self, email: str) -> str:
        """Raises ``AccountError`` 400."""
        address = check_email(email)
        if self.policy.refuse_disposable and domain_of(address) in self.disposable:
            raise AccountError(
                400,
                "disposable_email",
                "addresses of throw-away mail services are not taken here; please use one that you keep",
                param="email",
            )
        return address

    def _settle_standing(self, row: AccountRow, now: float) -> None:
        row.operator = bool(row.operator)
        row.paid = bool(row.paid)
        row.active_days = row.active_days or 0
        row.tokens_used = row.tokens_used or 0
        row.unlimited = bool(row.unlimited)
        row.pending = bool(row.pending)
        row.unverified = bool(row.unverified)
        row.familiar = row.familiar or ""
        row.disabled = row.disabled or ""
        verdict = self.judge(row, now)
        row.standing, row.standing_reason = int(verdict.standing), verdict.reason

    def _count(self, source: str, now: float) -> None:
        place = place_of(source)
        wait = self.known_answers.wait(place, now) or self.signups.take(place, now)
        if wait > 0.0:
            raise AccountError(
                429,
                "rate_limit_exceeded",
                "too many sign-ups came from your network; please try again later",
                retry_after_s=wait,
            )

    async def _hold(self, address: str, source: str, language: str, now: float) -> None:
        """Writes in either case: one who has waited already costs as much as a new one."""
        key = email_key(address)
        async with self.database.session() as session:
            # With the key of now: one that is kept under a former look-up key is found by the constraint, too.
            await hold_address(session, key)
            await session.execute(
                update(WaitlistRow)
                .where(WaitlistRow.email_key == key)
                .values(asks=WaitlistRow.asks + 1, email_key=key)
                .execution_options(synchronize_session=False)
            )
            row = {
                "email": address,
                "email_key": key,
                "created_at": now,
                "source": source,
                "language": language,
            }
            await session.execute(insert_for(session)(WaitlistRow).values(**row).on_conflict_do_nothing())


def _exists() -> AccountError:
    return AccountError(409, "account_exists", "there is an account with this address already", param="email")
