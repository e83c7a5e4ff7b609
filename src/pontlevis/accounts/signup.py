"""Making accounts, and what happens to those who may not now."""

from math import ceil

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from pontlevis.accounts.emails import check_email, domain_of, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.rooms import Rooms
from pontlevis.accounts.views import SignUp, SignUpKind, account_view
from pontlevis.brain.detection.address import place_of
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.posture.registration import retry_after
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.storage.tables.accounts import AccountRow, WaitlistRow


class SignUps(Rooms):
    """Sign-up and waitlist. The registration mode is enforced here, for forms and JSON alike."""

    async def sign_up(self, email: str, password: str, *, source: str, fingerprint: int) -> SignUp:
        """Makes an account, or holds the address as the mode says.

        Raises ``AccountError``: 400 for a bad address or password, 403 while a challenge is asked for, 409
        for an address that has an account, 429 for too many from one source, 503 while registration is
        suspended or too many wait.
        """
        now = self.clock()
        domain = domain_of(email)

        def saw(outcome: Outcome, account: str = "") -> None:
            self.watch.observe(
                Observation(now, Kind.SIGNUP, outcome, source, fingerprint, account, 0, domain)
            )

        try:
            done = await self._sign_up(email, password, source, fingerprint, now)
        except AccountError as error:
            saw(Outcome.INVALID if error.status in (400, 409) else Outcome.REFUSED)
            raise
        saw(
            Outcome.OK if done.kind is SignUpKind.CREATED else Outcome.REFUSED,
            done.account.id if done.account else "",
        )
        return done

    async def join_waitlist(self, email: str, *, source: str) -> None:
        """Keeps the address until registration opens; says nothing about whether it was known.

        Raises ``AccountError`` 400 or 429.
        """
        now = self.clock()
        address = check_email(email)
        self._count(source, now)
        await self._hold(address, source, now)

    async def _sign_up(self, email: str, password: str, source: str, fingerprint: int, now: float) -> SignUp:
        state = self.watch.posture
        if state.registration is RegistrationMode.SUSPENDED:
            raise AccountError(
                503,
                "registration_suspended",
                "New registrations are suspended while the service is under attack. If you already have an account you can log in and use the service as usual.",
                retry_after_s=retry_after(state, now),
            )
        if state.registration is RegistrationMode.CHALLENGE:
            raise AccountError(
                403,
                "challenge_required",
                "Registration asks for a challenge, which this version of the service cannot set yet. Please try again later.",
            )
        address = check_email(email)
        text = self.pool.check(password, address)
        self._count(source, now)
        key = email_key(address)
        async with self.database.session() as session:
            if await session.scalar(select(AccountRow.id).where(AccountRow.email_key == key)) is not None:
                self.known_answers.take(place_of(source), now)
                raise _exists()
        if not await self._let_in(state, key):
            await self._hold(address, source, now)
            return SignUp(SignUpKind.WAITLISTED)
        hashed = await self.pool.hash(text, familiar=False)
        row = AccountRow(
            id=self.new_id(),
            email=address,
            email_key=key,
            password_hash=hashed,
            pending=self.policy.approval or state.registration is RegistrationMode.APPROVAL,
            created_at=now,
            created_from=source,
            created_fingerprint=fingerprint,
        )
        self._settle_standing(row, now)
        try:
            async with self.database.session() as session:
                session.add(row)
                held = await session.scalar(select(WaitlistRow).where(WaitlistRow.email_key == key))
                if held is not None:
                    held.registered_at = now
        except IntegrityError:
            raise _exists() from None
        await self.publish_account(row)
        return SignUp(SignUpKind.PENDING if row.pending else SignUpKind.CREATED, account_view(row))

    def _settle_standing(self, row: AccountRow, now: float) -> None:
        row.operator = bool(row.operator)
        row.paid = bool(row.paid)
        row.active_days = row.active_days or 0
        row.tokens_used = row.tokens_used or 0
        row.unlimited = bool(row.unlimited)
        row.pending = bool(row.pending)
        row.disabled = row.disabled or ""
        verdict = self.judge(row, now)
        row.standing, row.standing_reason = int(verdict.standing), verdict.reason

    async def _let_in(self, state: PostureState, key: str) -> bool:
        """Whether this address may have an account now; the same answer however often it tries.

        Of those who joined the waitlist before registration came back, the stage's share goes first, in
        the order in which they joined. Everybody else draws a number that depends on the address and a
        key that never leaves this service, so that nobody can choose an address that wins.
        """
        if state.registration is not RegistrationMode.WAITLIST:
            return state.registration_share >= 1.0 or self._draw(state, key) < state.registration_share
        # Outside recovery there is no ramp: whoever comes waits until registration opens.
        share = state.registration_share if state.posture is Posture.RECOVERING else 0.0
        if self._draw(state, key) < share:
            return True
        async with self.database.session() as session:
            early = WaitlistRow.created_at < state.registration_since
            mine = await session.scalar(select(WaitlistRow.id).where(WaitlistRow.email_key == key, early))
            if mine is None:
                return False
            before = await session.scalar(
                select(func.count()).select_from(WaitlistRow).where(early, WaitlistRow.id <= mine)
            )
            whole = await session.scalar(select(func.count()).select_from(WaitlistRow).where(early))
        return (before or 0) <= ceil(share * (whole or 0))

    def _draw(self, state: PostureState, key: str) -> float:
        """A number from 0 up to 1, fixed for an address while registration stays in its mode."""
        seed = f"registration draw {state.registration_since!r} {key}".encode()
        return int.from_bytes(self.codec.secret_hash(seed)[:8], "big") / 2.0**64

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

    async def _hold(self, address: str, source: str, now: float) -> None:
        try:
            async with self.database.session() as session:
                session.add(
                    WaitlistRow(email=address, email_key=email_key(address), created_at=now, source=source)
                )
        except IntegrityError:
            return


def _exists() -> AccountError:
    return AccountError(409, "account_exists", "there is an account with this address already", param="email")
