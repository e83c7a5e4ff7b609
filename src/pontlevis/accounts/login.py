"""Log-in in one step or two, and the delays that slow guessing without locking anybody out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b

from sqlalchemy import select

from pontlevis.accounts.challenge import outcome_of
from pontlevis.accounts.emails import check_email, domain_of, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.factors import Factor, FactorsView, Realm, SecondFactorRequired
from pontlevis.accounts.login_tickets import LoginTickets
from pontlevis.accounts.policy import OperatorFactor
from pontlevis.accounts.views import SessionGrant
from pontlevis.brain.detection.address import place_of
from pontlevis.brain.fingerprint import agent_of
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture
from pontlevis.solutions import Action
from pontlevis.storage.tables.accounts import AccountRow

WRONG = "the e-mail address or the password is wrong"
Saw = Callable[[Outcome, AccountRow | None], None]


class LogIns(LoginTickets):
    """Passwords and second factors in, sessions out."""

    async def log_in(
        self,
        email: str,
        password: str,
        *,
        source: str,
        fingerprint: int,
        device: str = "",
        challenge: str | None = "",
        agent: str = "",
        realm: Realm = Realm.PUBLIC,
    ) -> SessionGrant:
        """A fresh session. An unknown address costs the same time and says the same as a wrong password.

        An account's own places and devices go first and have delays of their own, so that no stranger's
        failures can keep its owner out. ``device`` is the token of ``SessionGrant.device``. ``challenge`` is
        a solution, which a stranger needs while posture is not normal; None where none is ever asked for.
        ``agent`` is the User-Agent header.

        Raises ``SecondFactorRequired`` where the password fits and ``finish_log_in`` must follow, and
        ``AccountError``: 401 when they do not fit, 403 for a disabled account, for a password that must be
        changed, for a challenge that was not solved and for an operator without the second factor that is required, 429 while a delay runs,
        503 when too many wait.
        """
        now = self.clock()
        place = place_of(source)
        try:
            key = email_key(check_email(email))
        except AccountError:
            key = ""
        name, domain = f"name:{_digest(key)}", domain_of(email)
        saw = self.watcher(source, fingerprint, name, domain)
        async with self.database.session() as session:
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == key)) if key else None
        home = self._home(row, place, device, now)
        familiar = home is not None
        # A stranger answers for the source and the account; the owner at home only for that home.
        slowed = [f"{home} {key}"] if home is not None else [f"source {place}", f"account {key}"]
        self.slow_down(slowed, now, lambda: saw(Outcome.REFUSED, row))
        if challenge is not None and not familiar and self.login_challenged:
            # Before the password is looked at: a stranger's guess costs the stranger, not our hashing.
            try:
                await self.challenges.spend(*self.challenges.check(challenge, Action.LOGIN, source))
            except AccountError as error:
                saw(outcome_of(error) or Outcome.INVALID, row)
                raise
            saw = self.watcher(source, fingerprint, name, domain, solved=True)
            # Others may have failed while the challenge was spent.
            self.slow_down(slowed, now, lambda: saw(Outcome.REFUSED, row))
        try:
            with self._few_at_once("" if familiar else slowed[-1], now):
                fits = await self.pool.verify(
                    row.password_hash if row is not None else "", password, familiar=familiar
                )
                # An account that waits for its address answers as if it were not there: sign-up does not tell either.
                wrong = row is None or not fits or row.unverified
                for name in slowed if wrong else ():
                    self.delays.failed(name, now)
        except AccountError:
            saw(Outcome.REFUSED, row)
            raise
        if row is None or wrong:
            saw(Outcome.UNKNOWN_USER if row is None else Outcome.BAD_CREDENTIAL, row)
            raise AccountError(401, "invalid_credentials", WRONG)
        try:
            check_opens(row)
            await self.second_step(row.id, source=source, home=home or "", realm=realm)
        except SecondFactorRequired:
            # The failures stay until the second factor was shown, too: a stolen password is no log-in. Nor is it a
            # challenge that was ignored, which detection holds against strangers: everybody with a factor comes by here.
            saw(Outcome.REFUSED, row)
            raise
        except AccountError:
            saw(Outcome.REFUSED, row)
            raise
        self._forgive(slowed, familiar=familiar)
        saw(Outcome.OK, row)
        return await self.begin_session(row.id, source=source, agent=agent)

    async def finish_log_in(
        self,
        ticket: str,
        code: str,
        *,
        source: str,
        fingerprint: int,
        agent: str = "",
        realm: Realm = Realm.PUBLIC,
    ) -> SessionGrant:
        """The second step: an app's code or a recovery code, under the ticket that the first step gave.

        Delays grow with wrong codes as with wrong passwords, apart for the owner's own places, and end.

        Raises ``AccountError``: 403 for a ticket that was used, has expired, was tried too often or was given
        out elsewhere, 401 for a code that does not hold, 429 while a delay runs.
        """
        now = self.clock()
        saw = self.watcher(source, fingerprint, "", "")
        held = await self.ticket_of(ticket, source=source, realm=realm)
        if held is None:
            saw(Outcome.INVALID, None)
            raise stale_ticket()
        async with self.database.session() as session:
            row = await session.get_one(AccountRow, held.account)
        slowed = [f"{held.home} factor {row.id}"] if held.home else [f"source {place_of(source)}", f"factor {row.id}"]  # fmt: skip
        self.slow_down(slowed, now, lambda: saw(Outcome.REFUSED, row))
        try:
            # Of the account's, under however many tickets.
            with self._few_at_once(slowed[-1], now):
                # Counted before it is judged, so that no volley of tries is one try.
                if not await self.count_try(held.id):
                    raise stale_ticket()
                factor = await self.judge_code(row.id, code)
                for name in slowed if factor is Factor.NONE else ():
                    self.delays.failed(name, now)
        except AccountError:
            saw(Outcome.REFUSED, row)
            raise
        if factor is Factor.NONE:
            saw(Outcome.BAD_CREDENTIAL, row)
            raise AccountError(401, "invalid_factor", "this code does not hold, or was used", param="code")
        if not await self.use_ticket(held.id):
            saw(Outcome.INVALID, row)
            raise stale_ticket()
        try:
            check_opens(row)
        except AccountError:
            saw(Outcome.REFUSED, row)
            raise
        familiar = bool(held.home)
        self._forgive(slowed, familiar=familiar)
        password = [f"{held.home} {email_key(row.email)}"] if familiar else [f"source {place_of(source)}"]
        self._forgive(password, familiar=familiar)
        saw(Outcome.OK, row)
        return await self.begin_session(row.id, source=source, agent=agent, factor=factor)

    async def second_step(self, account: str, *, source: str, home: str, realm: Realm) -> None:
        """Returns where the first step is enough.

        ``home`` names the owner's own place or device, empty for a stranger. Raises
        ``SecondFactorRequired`` with a ticket, and ``AccountError`` 403 for who has no factor that an
        operator must have.
        """
        rule = self.policy.operator_second_factor
        if realm is Realm.OPERATOR and rule is OperatorFactor.OFF:
            return
        found: FactorsView = await self.factors(account)
        methods = found.methods(realm)
        if found.any and methods:
            token, expires = await self.mint_ticket(account, source=source, home=home, realm=realm)
            raise SecondFactorRequired(token, expires, methods)
        if found.any or (realm is Realm.OPERATOR and rule is OperatorFactor.REQUIRED):
            raise AccountError(
                403,
                "second_factor_missing",
                "set up an authenticator app on your account page first: it is asked for here",
            )

    @property
    def login_challenged(self) -> bool:
        """Whether strangers' log-ins take a challenge now.

        Also before anything is noticed, when many of them wait to be hashed: a flood fills that queue in a second.
        """
        if not self.challenge_policy.login:
            return False
        return self.watch.posture.posture is not Posture.NORMAL or self.pool.crowded

    def watcher(
        self, source: str, fingerprint: int, nobody: str, domain: str, *, solved: bool = False
    ) -> Saw:
        """Notes how a try ended; ``nobody`` stands for an account that is not there, ``solved`` says that it met a challenge."""
        now = self.clock()

        def saw(outcome: Outcome, row: AccountRow | None) -> None:
            # A name that nobody has is told apart from others without being told itself.
            account, standing = (row.id, row.standing) if row is not None else (nobody, 0)
            self.watch.observe(
                Observation(
                    now,
                    Kind.LOGIN,
                    outcome,
                    source,
                    int(fingerprint),
                    account,
                    standing,
                    domain,
                    agent=agent_of(fingerprint),
                    solved=solved,
                )
            )

        return saw

    def slow_down(self, slowed: list[str], now: float, refused: Callable[[], None]) -> None:
        """Raises ``AccountError`` 429 while a delay runs for one of these names, having noted it."""
        wait = max(self.delays.wait(name, now) for name in slowed)
        if wait > 0.0:
            refused()
            raise AccountError(
                429,
                "rate_limit_exceeded",
                "too many log-ins failed; please wait before you try again",
                retry_after_s=wait,
            )

    @contextmanager
    def _few_at_once(self, name: str, now: float) -> Iterator[None]:
        """For the judging of one try and the counting of its failure; an empty name has no bound.

        Raises ``AccountError`` 429 where as many of this name are being judged as may fail.
        """
        if name and not self.delays.begin(name, now):
            raise AccountError(
                429,
                "rate_limit_exceeded",
                "several log-ins to this account are being judged; please wait before you try again",
                retry_after_s=self.policy.first_delay_s,
            )
        try:
            yield
        finally:
            if name:
                self.delays.end(name)

    def _forgive(self, slowed: list[str], *, familiar: bool) -> None:
        if familiar:
            self.delays.forget(slowed[0])
        else:
            # One success forgives one failure: enough for an office behind one address, while an
            # attacker who logs in to an account of his own between guesses gains little. The account's
            # own count stays, so that nobody wipes it by waiting for its owner.
            self.delays.forgive(slowed[0])

    def _home(self, row: AccountRow | None, place: str, device: str, now: float) -> str | None:
        """The name of the account's own place or device; None for a stranger."""
        if row is None:
            return None
        known = self.devices.name(device, row.id, now) if device else None
        if known is not None:
            return known
        return f"home {place}" if place in row.familiar.split() else None


def check_usable(row: AccountRow) -> None:
    if row.disabled:
        raise AccountError(403, "account_disabled", row.disabled)
    if row.pending:
        raise AccountError(403, "account_pending", "this account waits for approval")


def check_opens(row: AccountRow) -> None:
    """As ``check_usable``; and after an incident nothing opens an account before its new password.

    A passkey or an issuer is not what leaked, but whoever comes in with one is to choose the password first: while the
    old one stands beside it, the account has a way in that others may know.
    """
    check_usable(row)
    if row.must_change_password:
        raise AccountError(
            403,
            "password_change_required",
            "this account's password may be known to others and opens nothing any more; choose a new one at /reset",
        )


def stale_ticket() -> AccountError:
    return AccountError(
        403, "ticket_invalid", "this log-in was begun too long ago, or elsewhere; give the password again"
    )


def _digest(key: str) -> str:
    return blake2b(key.encode(), digest_size=8).hexdigest()
