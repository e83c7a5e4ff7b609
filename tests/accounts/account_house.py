"""Account rooms on a database of their own, with a clock set by hand and a service that only takes notes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import altcha

from migrated import migrated
from pontlevis.accounts.challenge_policy import ChallengePolicy
from pontlevis.accounts.mail.policy import MailPolicy
from pontlevis.accounts.policy import AccountPolicy
from pontlevis.accounts.postman import LetterView
from pontlevis.accounts.rooms import Site
from pontlevis.accounts.service import Accounts, AccountView, SessionGrant
from pontlevis.brain.credential import CredentialCodec
from pontlevis.brain.observation import Observation, Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.standing.policy import StandingPolicy
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing
from pontlevis.link.messages import AccountRecord, CredentialRecord
from pontlevis.solutions import Action
from pontlevis.storage.database import Database

START = 1_738_000_000.0  # 2025-01-27 17:46:40 UTC
DAY_S = 86_400.0
PASSWORD = "three quiet herons"
CHEAP = AccountPolicy(argon2_memory_kib=8, argon2_passes=1)
EASY = ChallengePolicy(iterations=1, tries=20, tries_elevated=40, tries_under_attack=80)

SUSPENDED = PostureState(
    posture=Posture.UNDER_ATTACK, registration=RegistrationMode.SUSPENDED, registration_share=0.0
)


def recovering(share: float, since: float = START) -> PostureState:
    """A stage of the ramp; ``since`` is when registration came back."""
    return PostureState(
        posture=Posture.RECOVERING,
        registration=RegistrationMode.WAITLIST if share < 1.0 else RegistrationMode.OPEN,
        registration_share=share,
        registration_since=since,
    )


class Notebook:
    """Watch and publisher: keeps what it is told."""

    def __init__(self) -> None:
        self.posture = PostureState()
        self.observations: list[Observation] = []
        self.accounts: list[AccountRecord] = []
        self.credentials: list[CredentialRecord] = []
        self.cuts: list[str] = []

    def observe(self, observation: Observation) -> None:
        self.observations.append(observation)

    async def publish(
        self,
        *,
        accounts: list[AccountRecord] | None = None,
        credentials: list[CredentialRecord] | None = None,
    ) -> None:
        self.accounts += accounts or []
        self.credentials += credentials or []

    async def cut(
        self, *, accounts: list[str] | None = None, credentials: list[str] | None = None, reason: str
    ) -> None:
        self.cuts += [*(accounts or []), *(credentials or [])]

    @property
    def outcomes(self) -> list[Outcome]:
        return [each.outcome for each in self.observations]


class House:
    """The rooms and shortcuts into them."""

    def __init__(self, database: Database, policy: AccountPolicy, mail: MailPolicy | None = None) -> None:
        self.now = START
        self.database = database
        self.notebook = Notebook()
        self.codec = CredentialCodec(bytes(range(32)))
        self.accounts = Accounts(
            database,
            self.codec,
            policy,
            StandingPolicy(),
            self.notebook,
            self.notebook,
            lambda: self.now,
            Random(7).randbytes,
            challenge=EASY,
            mail=mail,
            site=Site("Heron", "https://front.example"),
        )

    async def sign_up(
        self, email: str, *, source: str = "192.0.2.1", password: str = PASSWORD
    ) -> AccountView:
        """An account made while registration lets it be made."""
        done = await self.accounts.sign_up(email, password, source=source, fingerprint=1)
        assert done.account is not None
        return done.account

    async def log_in(
        self, email: str, *, source: str = "192.0.2.1", password: str = PASSWORD, device: str = ""
    ) -> SessionGrant:
        return await self.accounts.log_in(email, password, source=source, fingerprint=1, device=device)

    async def letters(self, kind: str = "") -> list[LetterView]:
        """What the postman made of the letters that were left, oldest first."""
        await self.accounts.deliver()
        found = await self.accounts.letters()
        return [each for each in reversed(found) if not kind or each.kind == kind]

    def solved(self, action: Action, source: str = "192.0.2.1") -> str:
        """A challenge of now, solved with the official library."""
        made = self.accounts.challenges.make(action, source, posture=self.notebook.posture.posture)
        challenge = altcha.Challenge.from_dict(made)
        solution = altcha.solve_challenge(challenge)
        assert solution is not None
        return altcha.Payload(challenge, solution).to_base64()

    def standing_of(self, account: str) -> Standing | None:
        """As last published."""
        for each in reversed(self.notebook.accounts):
            if each.id == account:
                return Standing(each.standing)
        return None


@asynccontextmanager
async def account_house(
    directory: Path, policy: AccountPolicy = CHEAP, mail: MailPolicy | None = None
) -> AsyncIterator[House]:
    """Opens the rooms and closes them afterwards."""
    database = Database.in_directory(directory)
    try:
        await migrated(directory)
        house = House(database, policy, mail)
        await house.accounts.start()
        yield house
        await house.accounts.close()
    finally:
        await database.close()
