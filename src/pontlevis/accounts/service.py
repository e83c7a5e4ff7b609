"""The account rooms as one service."""

from pontlevis.accounts.erasure import Erasure
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.key_changes import ChangedKey, KeyChange
from pontlevis.accounts.key_desk import KeyDesk, OwnedKey, Revocation
from pontlevis.accounts.leaks import Leaks
from pontlevis.accounts.manage import Manage
from pontlevis.accounts.oidc import Oidc
from pontlevis.accounts.own_password import OwnPasswords
from pontlevis.accounts.passkeys import Passkeys
from pontlevis.accounts.postman import Postman
from pontlevis.accounts.reset import Resets
from pontlevis.accounts.respond import Responses
from pontlevis.accounts.roles import Roles
from pontlevis.accounts.secret_keys import SecretKeys
from pontlevis.accounts.setup import Setup
from pontlevis.accounts.usage import Usage
from pontlevis.accounts.views import AccountView, KeyView, NewKey, SessionGrant, SignUp, SignUpKind, UsageDay
from pontlevis.accounts.waitlist import Waitlist

__all__ = [
    "AccountError",
    "AccountView",
    "Accounts",
    "ChangedKey",
    "KeyChange",
    "KeyView",
    "NewKey",
    "OwnedKey",
    "Revocation",
    "SessionGrant",
    "SignUp",
    "SignUpKind",
    "UsageDay",
]


class Accounts(
    Setup,
    Passkeys,
    Oidc,
    OwnPasswords,
    KeyDesk,
    Leaks,
    Usage,
    Manage,
    Resets,
    Waitlist,
    Postman,
    Roles,
    SecretKeys,
    Responses,
    Erasure,
):
    """Sign-up, log-in, second factors, passkeys, sessions, keys, letters, usage, operators and their changes."""

    async def start(self) -> None:
        """Derives every standing once, so that those which changed while the service was down are right."""
        await self.refresh_standings(self.clock())

    async def close(self) -> None:
        self.pool.close()
