"""Where the chain of evidence has reached, kept apart from it so that a cut end is seen."""

from sqlalchemy import BigInteger, Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.tables.base import Base


class EvidenceHeadRow(Base):
    """One row: number and hash of the last line that the database has heard of; never ahead of the chain."""

    __tablename__ = "evidence_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    updated_at: Mapped[float] = mapped_column(Float)
