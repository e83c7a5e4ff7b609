"""The console's page "Safety": what holds, what does not and where, and what could not be looked at."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from web_house import WebHouse

from pontlevis.evidence.store import FOLDER
from pontlevis.storage.tables.evidence import EvidenceHeadRow
from pontlevis.web import operator_safety_page as safety


async def test_it_says_what_holds_and_what_is_broken_where(house: WebHouse, tmp_path: Path) -> None:
    """A line of the audit log that was changed is named; an answer is kept for a while and no longer."""
    operator = await house.operator_client()
    await operator.post("/api/keys", json={"email": "ada@example.com"})
    page = (await operator.get("/safety")).text
    for said in (
        "each of them checked now",
        "There is no evidence yet.",
        "not sealed",
        "doctor --data",
    ):
        assert said in page, said
    async with house.database.session() as session:
        line = await session.scalar(text("SELECT max(id) FROM audit_log"))
        await session.execute(text("UPDATE audit_log SET detail = 'nothing' WHERE id = :id"), {"id": line})
    (tmp_path / FOLDER / "date=2025-01-27" / "hour=17").mkdir(parents=True)
    (tmp_path / FOLDER / "date=2025-01-27" / "hour=17" / "strange.parquet").write_bytes(b"x")
    assert "each of them checked now" in (await operator.get("/safety")).text
    house.now += safety.KEPT_S
    broken = (await operator.get("/safety")).text
    assert f"Line {line}: its content is not what was written." in broken
    assert "strange.parquet" in broken
    (tmp_path / FOLDER / "date=2025-01-27" / "hour=17" / "strange.parquet").unlink()
    async with house.database.session() as session:
        session.add(EvidenceHeadRow(id=1, number=7, hash="a" * 64, updated_at=house.now))
    house.now += safety.KEPT_S
    assert "reached line 7: its end was cut off" in (await operator.get("/safety")).text
    await operator.aclose()


async def test_what_takes_too_long_is_said_with_its_command(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page comes without it."""

    async def never(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(safety, "_audit", never)
    monkeypatch.setattr(safety, "LOOK_S", 0.05)
    operator = await house.operator_client()
    page = await operator.get("/safety")
    assert (page.status_code, "pontlevis audit verify" in page.text) == (200, True)
    assert "Not known" in page.text
    await operator.aclose()
