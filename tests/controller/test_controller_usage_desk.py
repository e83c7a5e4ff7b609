"""Usage is settled once it is written, and one bad parcel does not hold up the others."""

import asyncio
from collections.abc import Callable

from sqlalchemy.exc import DataError, OperationalError

from pontlevis.controller.usage_desk import MOST_REFUSALS, UsageDesk
from pontlevis.link.messages import Parcel, Settled


class Database:
    """Takes parcels, but for those whose number it was told to refuse."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.away = False
        self.refused: set[int] = set()

    async def write(self, parcels: list[Parcel]) -> None:
        if self.away:
            raise OperationalError("insert", {}, OSError("away"))
        if any(each.number in self.refused for each in parcels):
            raise DataError("insert", {}, ValueError("not a text"))
        self.written += [each.number for each in parcels]


def desk_with(
    database: Database, *numbers: int
) -> tuple[UsageDesk, list[int], Callable[[], type[Exception] | None]]:
    """A desk where parcels of these numbers wait, what it has settled, and a way to let it write."""
    desk, settled = UsageDesk(database.write), list[int]()

    def settle(message: Settled) -> None:
        settled.append(message.number)

    for number in numbers:
        desk.take(Parcel("a", number, []), settle)

    def flush() -> type[Exception] | None:
        try:
            asyncio.run(desk.flush())
        except Exception as error:
            return type(error)
        return None

    return desk, settled, flush


def test_nothing_is_settled_before_it_is_written() -> None:
    """While the database is away the parcels wait, in order."""
    database = Database()
    database.away = True
    _, settled, flush = desk_with(database, 1, 2)
    assert flush() is OperationalError
    assert settled == []
    database.away = False
    assert flush() is None
    assert settled == database.written == [1, 2]


def test_a_parcel_that_no_database_takes_is_given_up_after_a_few_tries() -> None:
    """Those before it are written at once, those after it then."""
    database = Database()
    database.refused = {2}
    _, settled, flush = desk_with(database, 1, 2, 3)
    for _ in range(MOST_REFUSALS - 1):
        assert flush() is DataError
        assert settled == [1]
    assert flush() is None
    assert database.written == [1, 3]
    assert settled == [1, 2, 3]
