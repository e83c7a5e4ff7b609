"""The account rooms as one service."""

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.keys import Keys
from pontlevis.accounts.manage import Manage
from pontlevis.accounts.oidc import Oidc
from pontlevis.accounts.own_password import OwnPasswords
from pontlevis.accounts.passkeys import Passkeys
from pontlevis.accounts.postman import Postman
from pontlevis.accounts.reset import Resets
from pontlevis.accounts.setup import Setup
from pontlevis.accounts.usage import Usage
from pontlevis.accounts.views import AccountView, KeyView, NewKey, SessionGrant, SignUp, SignUpKind, UsageDay
from pontlevis.accounts.waitlist import Waitlist

__all__ = [
    "AccountError",
    "AccountView",
    "Accounts",
    "KeyView",
    "NewKey",
    "SessionGrant",
    "SignUp",
    "SignUpKind",
    "UsageDay",
]


class Accounts(Setup, Passkeys, Oidc, OwnPasswords, Keys, Usage, Manage, Resets, Waitlist, Postman):
    """Sign-up, log-in, second factors, passkeys, sessions, keys, letters, usage, the first operator, operators' changes."""

    async def start(self) -> None:
        """Derives every standing once, so that those which changed while the service was down are right."""
        await self.refresh_standings(self.clock())

    async def close(self) -> None:
        self.pool.close()
