"""What the gatehouse keeps: letters, links, invitations, spent challenges, an operator's word on registration."""

from sqlalchemy import Float, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.sealed import LookupText, SealedText
from pontlevis.storage.tables.base import Base


class LetterRow(Base):
    """A letter to be sent, sent, or kept for the operator; it holds a secret only while it is kept."""

    __tablename__ = "letters"
    __table_args__ = (
        Index("ix_letters_email_key_created_at", "email_key", "created_at"),
        Index("ix_letters_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(SealedText("letters.email"), server_default="")
    email_key: Mapped[str] = mapped_column(LookupText(320, "email"))
    language: Mapped[str] = mapped_column(String(2), default="en")
    source: Mapped[str] = mapped_column(String(64), default="", index=True)
    """The place (address or /64) that asked for it."""
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    """``waiting``, ``sent``, ``kept`` (in the operator's mailbox), ``failed``."""
    created_at: Mapped[float] = mapped_column(Float, index=True)
    due_at: Mapped[float] = mapped_column(Float)
    """When it is tried next."""
    tries: Mapped[int] = mapped_column(Integer, default=0)
    ended_at: Mapped[float | None] = mapped_column(Float, default=None)
    subject: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[str] = mapped_column(SealedText("letters.body"), default="")
    """Only of a letter that is kept."""
    facts: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """Which sentences the letter has, where its kind leaves a choice; words separated by spaces."""
    error: Mapped[str] = mapped_column(String(200), default="")


class LinkRow(Base):
    """A single-use link (and code) of a letter; only keyed hashes of both."""

    __tablename__ = "links"
    __table_args__ = (Index("ix_links_purpose_account_id", "purpose", "account_id"),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    account_id: Mapped[str] = mapped_column(String(16))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), default=b"")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    """Wrong codes."""
    created_at: Mapped[float] = mapped_column(Float)
    expires_at: Mapped[float] = mapped_column(Float, index=True)


class InvitationRow(Base):
    """A way in that holds while registration is closed; used once."""

    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    email: Mapped[str] = mapped_column(SealedText("invitations.email"), default="", server_default="")
    """The only address that it lets in; empty: any."""
    email_key: Mapped[str] = mapped_column(LookupText(320, "email"), default="")
    note: Mapped[str] = mapped_column(String(200), default="")
    by_mail: Mapped[int] = mapped_column(Integer, default=0)
    """1 where only the owner of the address can know it, since it went there by mail."""
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[float] = mapped_column(Float, index=True)
    expires_at: Mapped[float] = mapped_column(Float, index=True)
    used_at: Mapped[float | None] = mapped_column(Float, default=None)
    used_by: Mapped[str] = mapped_column(String(16), default="")
    revoked_at: Mapped[float | None] = mapped_column(Float, default=None)


class SpentChallengeRow(Base):
    """A challenge whose solution was used."""

    __tablename__ = "spent_challenges"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """The challenge's nonce."""
    expires_at: Mapped[float] = mapped_column(Float, index=True)


class RegistrationOrderRow(Base):
    """An operator's word on who may register: one row while it holds."""

    __tablename__ = "registration_order"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    order: Mapped[bytes] = mapped_column(LargeBinary)
    """``RegistrationOrder`` as JSON."""
    updated_at: Mapped[float] = mapped_column(Float)
