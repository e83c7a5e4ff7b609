"""What is told: announced maintenance, subscribers and their notices, duties to notify, alerts that were given."""

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.sealed import LookupText, SealedText
from pontlevis.storage.tables.base import Base


class MaintenanceRow(Base):
    """Announced work."""

    __tablename__ = "maintenances"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(200))
    name_fr: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    """``scheduled``, ``in_progress``, ``verifying`` or ``completed``."""
    components: Mapped[str] = mapped_column(Text)
    """JSON: a list of component names."""
    scheduled_for: Mapped[float] = mapped_column(Float, index=True)
    scheduled_until: Mapped[float] = mapped_column(Float)
    created_at: Mapped[float] = mapped_column(Float)
    updated_at: Mapped[float] = mapped_column(Float)
    began_at: Mapped[float | None] = mapped_column(Float, default=None)
    ended_at: Mapped[float | None] = mapped_column(Float, default=None, index=True)
    cancelled: Mapped[bool] = mapped_column(Boolean, default=False)


class MaintenanceUpdateRow(Base):
    """One entry of an announced work's timeline."""

    __tablename__ = "maintenance_updates"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    maintenance_id: Mapped[str] = mapped_column(ForeignKey("maintenances.id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    body_en: Mapped[str] = mapped_column(Text)
    body_fr: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Float)
    automatic: Mapped[bool] = mapped_column(Boolean, default=False)
    actor: Mapped[str] = mapped_column(String(200), default="")


class SubscriberRow(Base):
    """Who wants to be told of incidents and maintenance."""

    __tablename__ = "subscribers"
    __table_args__ = (Index("ix_subscribers_kind_target_key", "kind", "target_key", unique=True),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    """``mail`` or ``webhook``."""
    target: Mapped[str] = mapped_column(SealedText("subscribers.target"))
    target_key: Mapped[str] = mapped_column(LookupText(500, "subscriber"))
    language: Mapped[str] = mapped_column(String(2), default="en")
    secret: Mapped[str] = mapped_column(SealedText("subscribers.secret"), default="")
    """What a webhook's signatures are made with."""
    state: Mapped[str] = mapped_column(String(10), index=True)
    """``pending`` until confirmed, ``active``, ``ended``."""
    source: Mapped[str] = mapped_column(String(64), default="", index=True)
    created_at: Mapped[float] = mapped_column(Float)
    confirmed_at: Mapped[float | None] = mapped_column(Float, default=None)
    ended_at: Mapped[float | None] = mapped_column(Float, default=None)
    ended_why: Mapped[str] = mapped_column(String(200), default="")
    failures: Mapped[int] = mapped_column(Integer, default=0)
    """Notices in a row that could not be delivered."""


class NoticeRow(Base):
    """One piece of news on its way to one subscriber."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_state_due_at", "state", "due_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    subscriber_id: Mapped[str] = mapped_column(String(16), index=True)
    event: Mapped[str] = mapped_column(Text)
    """JSON."""
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    """``waiting``, ``sent`` or ``failed``."""
    created_at: Mapped[float] = mapped_column(Float)
    due_at: Mapped[float] = mapped_column(Float)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    ended_at: Mapped[float | None] = mapped_column(Float, default=None)
    error: Mapped[str] = mapped_column(String(200), default="")


class DutyRow(Base):
    """A clock that runs from the moment personal data is known to be touched until somebody was notified."""

    __tablename__ = "duties"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    law: Mapped[str] = mapped_column(String(200), default="")
    hours: Mapped[float] = mapped_column(Float)
    began_at: Mapped[float] = mapped_column(Float)
    due_at: Mapped[float] = mapped_column(Float)
    done_at: Mapped[float | None] = mapped_column(Float, default=None)
    done_by: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")


class AlertRow(Base):
    """An alert that operators were given and that stands."""

    __tablename__ = "alerts"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    severity: Mapped[str] = mapped_column(String(10))
    summary: Mapped[str] = mapped_column(Text)
    since: Mapped[float] = mapped_column(Float)
