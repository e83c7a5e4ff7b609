"""Posture, its history, findings, decisions, audit log."""

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.tables.base import Base


class PostureRow(Base):
    """The posture in force: one row, written before it is acted on."""

    __tablename__ = "posture"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    state: Mapped[bytes] = mapped_column(LargeBinary)
    """``PostureState`` as JSON."""
    updated_at: Mapped[float] = mapped_column(Float)


class TransitionRow(Base):
    """One change of posture, registration or stage."""

    __tablename__ = "posture_transitions"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[float] = mapped_column(Float, index=True)
    actor: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    transition: Mapped[bytes] = mapped_column(LargeBinary)
    """``Transition`` as JSON."""


class FindingRow(Base):
    """A finding as last confirmed."""

    __tablename__ = "findings"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    detector: Mapped[str] = mapped_column(String(40))
    since: Mapped[float] = mapped_column(Float, index=True)
    at: Mapped[float] = mapped_column(Float)
    sentence: Mapped[str] = mapped_column(Text)
    finding: Mapped[bytes] = mapped_column(LargeBinary)


class DecisionRow(Base):
    """An enforceable measure, in force or ended."""

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_scope_value", "scope", "value"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    scope: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(100))
    reach: Mapped[str] = mapped_column(String(20), default="everything", server_default="everything")
    """What it closes to a place."""
    reason: Mapped[str] = mapped_column(Text)
    finding: Mapped[str] = mapped_column(String(100), default="")
    origin: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[float] = mapped_column(Float)
    expires_at: Mapped[float] = mapped_column(Float, index=True)
    lifted: Mapped[bool] = mapped_column(Boolean, default=False)
    lifted_by: Mapped[str] = mapped_column(String(200), default="")
    lifted_reason: Mapped[str] = mapped_column(Text, default="")


class DetectionMemoryRow(Base):
    """What detection has learned: one row, written every few minutes and at the end."""

    __tablename__ = "detection_memory"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    state: Mapped[bytes] = mapped_column(LargeBinary)
    """``DetectionState`` as MessagePack."""
    updated_at: Mapped[float] = mapped_column(Float)


class AuditRow(Base):
    """Who changed what; events by the grammar ``source:subject:action``. Written by ``storage.audit`` alone."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[float] = mapped_column(Float, index=True)
    actor: Mapped[str] = mapped_column(String(200))
    event: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    prior: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Hash of the line before."""
    hash: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Of ``prior`` and this line's content."""


class AuditHeadRow(Base):
    """Where the audit log's chain ends: one row, locked by whoever appends."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    """Lines ever written."""
    last_id: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    base_count: Mapped[int] = mapped_column(BigInteger)
    """Lines that retention removed, and the hash of the last of them."""
    base_hash: Mapped[str] = mapped_column(String(64))
    mac: Mapped[str] = mapped_column(String(64), default="")
    """HMAC over all of it; empty where the writer had no key."""
