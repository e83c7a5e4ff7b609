"""Two people at once cannot make two accounts for one address, not even while the look-up key is being replaced."""

from hashlib import sha256

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage.sealed import seals_of

CONTEXT = "email"


async def hold_address(session: AsyncSession, key: str) -> None:
    """From here to the transaction's end nobody else looks for this address in order to add it.

    The constraint alone does not do while a row may stand under either of two hashes. PostgreSQL: an advisory
    lock for each of the two, so that whoever knows but one of them waits, too. SQLite: the lock of writers,
    taken before what is read next. One statement whether or not anybody has the address.
    """
    dialect = session.get_bind().dialect
    if dialect.name != "postgresql":
        await session.execute(text("UPDATE accounts SET id = id WHERE id = ''"))
        return
    seals = seals_of(dialect)
    hashes = [key, key] if seals is None else [seals.lookup(key, CONTEXT), seals.former_lookup(key, CONTEXT)]
    # In one order everywhere, whichever of the two keys comes first here: or two could wait for each other.
    first, second = sorted(_number(each) for each in hashes)
    await session.execute(
        text("SELECT pg_advisory_xact_lock(:first), pg_advisory_xact_lock(:second)"),
        {"first": first, "second": second},
    )


def _number(hash_: str) -> int:
    return int.from_bytes(sha256(hash_.encode()).digest()[:8], "big", signed=True)
