"""Incidents, their updates, measured availability."""

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.tables.base import Base


class IncidentRow(Base):
    """What the public and the operator read about one disturbance."""

    __tablename__ = "incidents"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(200))
    name_fr: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(20))
    """``investigating``, ``identified``, ``monitoring`` or ``resolved``."""
    impact: Mapped[str] = mapped_column(String(20))
    """``none``, ``minor``, ``major`` or ``critical``."""
    created_at: Mapped[float] = mapped_column(Float, index=True)
    updated_at: Mapped[float] = mapped_column(Float)
    monitoring_at: Mapped[float | None] = mapped_column(Float, default=None)
    resolved_at: Mapped[float | None] = mapped_column(Float, default=None, index=True)
    taken_over_by: Mapped[str] = mapped_column(String(200), default="")
    """The operator who writes from now on; empty while the service does."""
    notes: Mapped[str] = mapped_column(Text, default="")
    """For operators only; never shown to the public."""
    kind: Mapped[str] = mapped_column(String(20), default="attack", server_default="attack")
    """``attack`` while posture tells of it, ``disturbance`` while measured availability does."""
    followed_at: Mapped[float] = mapped_column(Float, default=0.0, server_default="0", index=True)
    """Time of the last transition that was weighed for it, told or not."""
    asked: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Requests of existing users since it began."""
    unserved: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """How many of them were refused or failed."""
    postmortem_en: Mapped[str] = mapped_column(Text, default="", server_default="")
    postmortem_fr: Mapped[str] = mapped_column(Text, default="", server_default="")
    postmortem_at: Mapped[float | None] = mapped_column(Float, default=None)
    data_touched_at: Mapped[float | None] = mapped_column(Float, default=None)
    """Since when personal data is known to have been touched; never shown to the public."""
    data_touched_why: Mapped[str] = mapped_column(Text, default="", server_default="")


class IncidentUpdateRow(Base):
    """One entry of an incident's timeline."""

    __tablename__ = "incident_updates"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    body_en: Mapped[str] = mapped_column(Text)
    body_fr: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Float)
    updated_at: Mapped[float] = mapped_column(Float)
    automatic: Mapped[bool] = mapped_column(Boolean, default=True)
    actor: Mapped[str] = mapped_column(String(200), default="")
    cause: Mapped[str] = mapped_column(String(100), unique=True)
    """What it was written for; the same cause never writes twice."""
    affected: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")
    """Components whose state it reports, as JSON: a list of ``{"code", "old", "new"}``."""


class ComponentDayRow(Base):
    """Seconds that a component spent in each state on one day (UTC)."""

    __tablename__ = "component_days"

    component: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Days since 1970."""
    operational_s: Mapped[float] = mapped_column(Float, default=0.0)
    degraded_s: Mapped[float] = mapped_column(Float, default=0.0)
    partial_s: Mapped[float] = mapped_column(Float, default=0.0)
    major_s: Mapped[float] = mapped_column(Float, default=0.0)
    maintenance_s: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")


class ServedDayRow(Base):
    """Requests of existing users on one day (UTC)."""

    __tablename__ = "served_days"

    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    asked: Mapped[int] = mapped_column(BigInteger, default=0)
    unserved: Mapped[int] = mapped_column(BigInteger, default=0)


class ComponentRow(Base):
    """A component's state as last measured."""

    __tablename__ = "components"

    component: Mapped[str] = mapped_column(String(40), primary_key=True)
    status: Mapped[str] = mapped_column(String(30))
    updated_at: Mapped[float] = mapped_column(Float)
    first_seen_at: Mapped[float] = mapped_column(Float)
    declared: Mapped[str] = mapped_column(String(30), default="", server_default="")
    """The state that an operator declared instead of the measured one; empty: none."""
    declared_by: Mapped[str] = mapped_column(String(200), default="", server_default="")
