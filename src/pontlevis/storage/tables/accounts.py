"""Accounts, keys, sessions, usage, waitlist."""

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Integer, LargeBinary, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.sealed import LookupText, SealedString, SealedText
from pontlevis.storage.tables.base import Base


class AccountRow(Base):
    """One account."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    email: Mapped[str] = mapped_column(SealedText("accounts.email"), server_default="")
    email_key: Mapped[str] = mapped_column(LookupText(320, "email"), unique=True)
    """The address without case, tags and dots that its provider ignores: one person, one account. A keyed hash."""
    password_hash: Mapped[str] = mapped_column(SealedString("accounts.password_hash", 200), default="")
    """Argon2id; empty for accounts made without a password. Sealed it has 185 characters, 197 at the longest."""
    operator: Mapped[bool] = mapped_column(Boolean, default=False)
    paid: Mapped[bool] = mapped_column(Boolean, default=False)
    unlimited: Mapped[bool] = mapped_column(Boolean, default=False)
    pending: Mapped[bool] = mapped_column(Boolean, default=False)
    """Waits for an operator's approval."""
    unverified: Mapped[bool] = mapped_column(Boolean, default=False)
    """May not be used before its address is verified; only where the service required that at sign-up."""
    language: Mapped[str] = mapped_column(String(2), default="en")
    """Of letters to its owner."""
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Its password opens nothing any more; a new one is set through a letter."""
    disabled: Mapped[str] = mapped_column(Text, default="")
    """Why it may not be used; empty when it may."""
    created_at: Mapped[float] = mapped_column(Float, index=True)
    verified_at: Mapped[float | None] = mapped_column(Float, default=None)
    standing: Mapped[int] = mapped_column(Integer, default=1)
    """As last derived."""
    standing_reason: Mapped[str] = mapped_column(Text, default="")
    active_days: Mapped[int] = mapped_column(Integer, default=0)
    last_active_day: Mapped[int] = mapped_column(Integer, default=0)
    """Days since 1970."""
    last_active_at: Mapped[float] = mapped_column(Float, default=0.0, index=True)
    tokens_used: Mapped[int] = mapped_column(BigInteger, default=0)
    familiar: Mapped[str] = mapped_column(Text, default="")
    """Addresses from which its owner logged in, newest first, separated by spaces."""
    created_from: Mapped[str] = mapped_column(String(64), default="")
    created_fingerprint: Mapped[int] = mapped_column(BigInteger, default=0)


class KeyRow(Base):
    """An API key; only a keyed hash of its secret."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[float] = mapped_column(Float)
    last_used_at: Mapped[float | None] = mapped_column(Float, default=None)
    revoked_at: Mapped[float | None] = mapped_column(Float, default=None)
    scope: Mapped[str] = mapped_column(Text, default="")
    """``KeyScope`` as JSON; empty: all that the account may."""
    expires_at: Mapped[float | None] = mapped_column(Float, default=None)
    rotated_at: Mapped[float | None] = mapped_column(Float, default=None)
    former_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), default=None)
    """Of the secret before the last rotation, which holds until ``former_until``."""
    former_until: Mapped[float | None] = mapped_column(Float, default=None)
    made_by: Mapped[str] = mapped_column(String(16), default="", index=True)
    """The key that made it; it ends with that one. Empty: a person."""
    revoked_for: Mapped[str] = mapped_column(String(20), default="")
    """``leaked`` where its secret was reported, or of one that goes on its former one; empty: somebody asked for it."""


class SessionRow(Base):
    """A log-in that lasts; only a keyed hash of its secret."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[float] = mapped_column(Float)
    expires_at: Mapped[float] = mapped_column(Float, index=True)
    source: Mapped[str] = mapped_column(String(64), default="")
    device: Mapped[str] = mapped_column(String(60), default="")
    """Browser and system, as its owner would name them."""
    factor: Mapped[str] = mapped_column(String(10), default="")
    """What was shown beside the password: ``totp``, ``recovery``, ``passkey``; empty where nothing was."""


class UsageRow(Base):
    """What one key used of one model on one day (UTC)."""

    __tablename__ = "usage_days"

    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    model: Mapped[str] = mapped_column(String(256), primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Days since 1970."""
    requests: Mapped[int] = mapped_column(BigInteger, default=0)
    aborted: Mapped[int] = mapped_column(BigInteger, default=0)
    input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)


class UsageSenderRow(Base):
    """A gateway process and the last of its parcels of usage that is written, so that none counts twice."""

    __tablename__ = "usage_senders"

    sender: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[float] = mapped_column(Float)
    """When something of it was last written."""


class WaitlistRow(Base):
    """An address that asked to be let in later."""

    __tablename__ = "waitlist"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    email: Mapped[str] = mapped_column(SealedText("waitlist.email"), server_default="")
    email_key: Mapped[str] = mapped_column(LookupText(320, "email"), unique=True)
    created_at: Mapped[float] = mapped_column(Float)
    source: Mapped[str] = mapped_column(String(64), default="")
    language: Mapped[str] = mapped_column(String(2), default="en")
    invited_at: Mapped[float | None] = mapped_column(Float, default=None, index=True)
    """When a link was sent; those before it in the list were invited earlier."""
    registered_at: Mapped[float | None] = mapped_column(Float, default=None)
    asks: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    """How often it asked."""


class SetupRow(Base):
    """The one-time link by which the first operator is made: one row."""

    __tablename__ = "setup"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[float] = mapped_column(Float)
