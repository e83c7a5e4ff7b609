"""An operator's word on registration over restarts, on record, and never for ever."""

from pathlib import Path

from pontlevis.brain.vocabulary import RegistrationMode
from pontlevis.controller.registration import RegistrationDesk
from pontlevis.storage.audit import recent_audit
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade

START = 1_738_000_000.0


async def test_an_order_survives_a_restart_ends_by_itself_and_is_on_record(tmp_path: Path) -> None:
    """Bounded by the longest hold; ended once, and with the name of who or what ended it."""
    database = Database.in_directory(tmp_path)
    await upgrade(database)
    now = START
    desk = RegistrationDesk(database, lambda: now, 3_600.0)
    await desk.start()
    assert desk.order is None
    assert not await desk.end(actor="op", reason="nothing there")
    await desk.set(RegistrationMode.APPROVAL, reason="spam wave", actor="op@example.com", hold_s=1e9)
    again = RegistrationDesk(database, lambda: now, 3_600.0)
    await again.start()
    assert again.order == desk.order
    assert again.order is not None
    assert again.order.until == START + 3_600
    now = START + 3_600
    assert again.order is None
    assert again.over(now)
    assert await again.end(actor="registration", reason="the time set for it is over")
    assert not again.over(now)
    last = RegistrationDesk(database, lambda: now, 3_600.0)
    await last.start()
    assert not last.over(now)
    async with database.session() as session:
        audit = [(each.event, each.actor) for each in await recent_audit(session)]
    assert audit == [
        ("operator:registration:released", "registration"),
        ("operator:registration:approval", "op@example.com"),
    ]
    await database.close()
