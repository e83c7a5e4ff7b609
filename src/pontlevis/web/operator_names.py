"""How operators are named: by account in everything that is kept, by address on their own pages.

The audit log, incidents and decisions are kept for years, copied into reports and, in part, shown to the
public; an address in them could neither be sealed nor erased. Names live in this process's memory only.
"""

from pontlevis.accounts.service import Accounts, AccountView

MOST = 1_000

_shown: dict[str, str] = {}


def actor_of(account: AccountView) -> str:
    """The name under which an operator's changes are kept."""
    name = f"account {account.id}"
    if len(_shown) < MOST:
        _shown[name] = account.email
    return name


def who(actor: str) -> str:
    """For operators' pages: the address where it is known, else the name as kept."""
    return _shown.get(actor, actor)


async def learn_operators(accounts: Accounts) -> None:
    """Learns the addresses of those who were operators before this process started."""
    for each in await accounts.list_operators(MOST):
        actor_of(each)
