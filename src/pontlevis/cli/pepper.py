"""Turns the pepper: the secret under which keys, sessions, links and devices are made."""

import secrets
import time
from dataclasses import asdict

from pontlevis.accounts.issued import count_issued
from pontlevis.accounts.sealing import KeyFiles
from pontlevis.brain.peppers import SECRET_BYTES, Pepper, Peppers
from pontlevis.cli.common import fail, who
from pontlevis.cli.offline import on_database
from pontlevis.config import Settings
from pontlevis.runtime import DataDirectory
from pontlevis.storage.audit import record_audit
from pontlevis.storage.database import Database

Row = dict[str, object]
DAY_S = 86_400.0
DEVICES_DAYS = 30.0
"""Choice: most who use a service come within a month; who comes later is a stranger once, and logs in all the same."""


def peppers_of(settings: Settings) -> Peppers:
    """Ends the command where the files cannot be used."""
    directory = DataDirectory(settings.data)
    if not (directory.path / "pepper").exists():
        fail("there is no pepper yet; the first start makes one")
    try:
        return directory.peppers()
    except (OSError, ValueError) as error:
        fail(str(error))


def listed(settings: Settings) -> list[Row]:
    """Newest first, without the secrets; empty before the first start."""
    if not (DataDirectory(settings.data).path / "pepper").exists():
        return []
    peppers = peppers_of(settings)
    return [
        {
            "number": each.number,
            "newest": each is peppers.newest,
            "made_at": each.made_at,
            "devices_until": each.alone_until,
            "keys_until": each.kept_until,
        }
        for each in peppers.each
    ]


def turn(
    settings: Settings, by: str | None, *, overlap_days: float | None, at_once: bool, dry_run: bool
) -> Row:
    """Writes a fresh pepper, which is in force from the next start; what the former ones made holds as told."""
    peppers, now = peppers_of(settings), time.time()
    if at_once:
        alone_s, kept_s = 0.0, 0.0
    elif overlap_days is not None:
        alone_s = kept_s = overlap_days * DAY_S
    else:
        alone_s, kept_s = DEVICES_DAYS * DAY_S, None
    try:
        fresh = peppers.turned(secrets.token_bytes(SECRET_BYTES), now, alone_s=alone_s, kept_s=kept_s)
    except ValueError as error:
        fail(str(error))
    running = DataDirectory(settings.data).running() is not None

    async def act(database: Database, _: KeyFiles) -> Row:
        done: Row = {
            "number": fresh.newest.number,
            "ends": _end(fresh, kept_s, now),
            "issued": asdict(await count_issued(database, now)),
            "restart": running,
            "applied": not dry_run,
        }
        if dry_run:
            return done
        DataDirectory(settings.data).keep_peppers(fresh)
        async with database.session() as session:
            await record_audit(
                session, at=now, actor=by or who(), event="operator:pepper:rotated", subject=str(fresh.newest.number),
                detail=f"what was issued before ends {done['ends']}; in force from the next start",
            )  # fmt: skip
        return done

    return on_database(settings, act)


def _end(fresh: Peppers, kept_s: float | None, now: float) -> str:
    former: tuple[Pepper, ...] = fresh.each[1:]
    if not former:
        return "at the next start"
    if kept_s is None:
        return f"when it expires, devices by {_day(former[0].alone_until or now)}"
    return f"by {_day(former[0].kept_until or now)}"


def said(done: Row, *, at_once: bool) -> str:
    """For people."""
    issued = done["issued"]
    if not isinstance(issued, dict):
        return ""
    counted = (
        f"{issued['keys']} keys, {issued['sessions']} sessions, {issued['links']} links of letters, "
        f"{issued['invitations']} invitations, and the devices of {issued['accounts_with_devices']} accounts"
    )
    ends = f"{'This ends' if at_once else 'Issued before:'} {counted}."
    holds = "" if at_once else f" They end {done['ends']}."
    codes = " Codes in letters and challenges under way end at the start in any case."
    if not done["applied"]:
        return f"{ends}{holds}{codes} Nothing was changed."
    begin = "Start the service again now: until then the former one is in force." if done["restart"] else "It is in force from the next start."  # fmt: skip
    return f"Pepper {done['number']} was made. {ends}{holds}{codes} {begin} Back the file peppers up, apart from the database."


def told(row: Row) -> str:
    """One of ``listed``, for people."""
    ends = [
        f"{what} until {_day(at)}"
        for what, at in (("devices", row["devices_until"]), ("keys", row["keys_until"]))
        if isinstance(at, float)
    ]
    made = row["made_at"]
    age = (
        f"{max(0.0, time.time() - made) / DAY_S:.0f} days old"
        if isinstance(made, float)
        else "from the first start"
    )
    return ", ".join([*(["newest"] if row["newest"] else []), age, *ends])


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
