"""The door: whether somebody may have an account now, whichever way they come."""

from dataclasses import dataclass
from math import ceil

from sqlalchemy import func, select

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.invitations import Invitations
from pontlevis.brain.posture.registration import retry_after, suspended_because
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.solutions import Action
from pontlevis.storage.tables.accounts import WaitlistRow


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who asks for an account: by form, by JSON, by an invitation, or as an issuer names them."""

    email: str
    source: str
    fingerprint: int
    password: str | None = None
    """None where somebody else vouches for who they are."""
    proven: bool = False
    """Whether the address is known to be theirs already."""
    challenge: str = ""
    """A solution, where registration asks for one."""
    invitation: str = ""
    language: str = "en"

    def __repr__(self) -> str:
        return f"Newcomer({self.email!r}, {self.source!r})"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the door says to somebody who is not turned away."""

    let_in: bool
    """False: onto the waitlist."""
    approval: bool = False
    """The account waits for an operator."""
    invitation: str = ""
    """Used up together with making the account."""
    proven: bool = False
    """The invitation went to this address by mail, so the address is theirs."""


class Door(Invitations):
    """The registration mode is enforced here and nowhere else (the gateway only refuses sooner what this refuses)."""

    def knock(self, newcomer: Newcomer) -> tuple[str, float] | None:
        """What can be said before anything else is looked at; returns the challenge that was solved.

        Raises ``AccountError``: 503 while registration is suspended, 403 for a challenge that was not
        solved. An invitation passes both, and is judged by ``enter``.
        """
        state = self.watch.posture
        if newcomer.invitation:
            return None
        if state.registration is RegistrationMode.SUSPENDED:
            raise AccountError(
                503,
                "registration_suspended",
                suspended_because(state),
                retry_after_s=retry_after(state, self.clock()),
            )
        if state.registration is RegistrationMode.CHALLENGE:
            return self.challenges.check(newcomer.challenge, Action.SIGNUP, newcomer.source)
        return None

    async def enter(self, newcomer: Newcomer, key: str, solved: tuple[str, float] | None) -> Entry:
        """Whether the person with this address may have an account now; spends the solution.

        ``key`` is the address as uniqueness sees it, ``solved`` what ``knock`` returned. Raises
        ``AccountError`` 403 for an invitation that does not hold and a solution that was used before.
        """
        state = self.watch.posture
        if newcomer.invitation:
            row = await self.invitation_for(newcomer.invitation, key)
            if row is None:
                raise invalid_invitation()
            return Entry(True, invitation=row.id, proven=bool(row.by_mail))
        if solved is not None:
            await self.challenges.spend(*solved)
        approval = self.policy.approval or state.registration is RegistrationMode.APPROVAL
        return Entry(await self._let_in(state, key), approval=approval)

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


def invalid_invitation() -> AccountError:
    return AccountError(
        403,
        "invitation_invalid",
        "this invitation was used, revoked, has expired, or is for another address",
        param="invitation",
    )
