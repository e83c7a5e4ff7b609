"""What other rooms see of accounts, sessions, keys and usage. Times are Unix seconds."""

from dataclasses import dataclass
from enum import StrEnum

from pontlevis.accounts.factors import Factor
from pontlevis.brain.key_scope import KeyScope
from pontlevis.brain.vocabulary import Standing
from pontlevis.storage.tables.accounts import AccountRow


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account without anything secret."""

    id: str
    email: str
    standing: Standing
    standing_reason: str
    created_at: float
    paid: bool
    unlimited: bool
    pending: bool
    disabled: str
    verified: bool = False
    """Whether the owner has shown that they read the address's mail."""
    unverified: bool = False
    """Whether the account waits for that."""


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """A fresh session; the token is shown this once."""

    token: str
    expires_at: float
    account: AccountView
    device: str
    """For the browser to keep, so that its next log-in goes first; opens nothing."""

    def __repr__(self) -> str:
        return f"SessionGrant(account={self.account.id!r})"


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as its owner sees it, without its secret."""

    id: str
    created_at: float
    expires_at: float
    network: str
    """The /24 or /48 that it began from; a word where that is not known."""
    device: str
    """Browser and system; empty where they are not known."""
    factor: Factor
    current: bool
    """Whether it is the one that asks."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """An API key without its secret."""

    id: str
    name: str
    created_at: float
    last_used_at: float | None
    scope: KeyScope = KeyScope()  # noqa: RUF009 - frozen
    expires_at: float | None = None
    rotated_at: float | None = None
    former_until: float | None = None
    """Until when the secret before the last rotation holds as well; None where only one does."""
    made_by: str = ""
    """The key that made it; empty: a person."""
    leaked_at: float | None = None
    """When its secret was reported as leaked, which ended it."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh key, or a fresh secret of one; its text is shown this once."""

    id: str
    name: str
    key: str
    created_at: float
    scope: KeyScope = KeyScope()  # noqa: RUF009 - frozen
    expires_at: float | None = None
    former_until: float | None = None
    """Until when the secret before it holds as well; None where there is none."""

    def __repr__(self) -> str:
        return f"NewKey(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What an account used on one day (days since 1970, UTC)."""

    day: int
    requests: int
    input_tokens: int
    output_tokens: int


class SignUpKind(StrEnum):
    """How a sign-up ended well."""

    CREATED = "created"
    WAITLISTED = "waitlisted"
    PENDING = "pending"
    UNVERIFIED = "unverified"
    """A letter went to the address; the account, or what there was before, is told of there alone."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """A sign-up that was accepted one way or another; ``account`` only where one was made."""

    kind: SignUpKind
    account: AccountView | None = None


def account_view(row: AccountRow) -> AccountView:
    return AccountView(
        row.id,
        row.email,
        Standing(row.standing),
        row.standing_reason,
        row.created_at,
        row.paid,
        row.unlimited,
        row.pending,
        row.disabled,
        row.verified_at is not None,
        row.unverified,
    )
