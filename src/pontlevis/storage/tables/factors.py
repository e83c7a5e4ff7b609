"""Second factors: secrets of authenticator apps, recovery codes, passkeys, half-finished log-ins."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.sealed import SealedText
from pontlevis.storage.tables.base import Base


class TotpRow(Base):
    """The authenticator app of an account; counts as a factor once a code of it was given."""

    __tablename__ = "totp"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    sealed: Mapped[str] = mapped_column(SealedText("totp.secret"))
    """Account and secret in base32, so that no row's secret can be put into another's."""
    created_at: Mapped[float] = mapped_column(Float)
    confirmed_at: Mapped[float | None] = mapped_column(Float, default=None)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The newest step whose code was used; it and those before it are refused."""


class RecoveryCodeRow(Base):
    """A code that stands in for a lost factor, once; only a keyed hash."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    used_at: Mapped[float | None] = mapped_column(Float, default=None)


class PasskeyRow(Base):
    """A passkey: its public key, nothing secret."""

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    credential_id: Mapped[str] = mapped_column(String(1_400), unique=True)
    """As its authenticator names it, in base64url."""
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    synced: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether it is backed up to where its owner's other devices find it."""
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[float] = mapped_column(Float)
    last_used_at: Mapped[float | None] = mapped_column(Float, default=None)
    realm: Mapped[str] = mapped_column(String(10), default="public", server_default="public")
    """The listener that it was made for, and opens."""


class LoginTicketRow(Base):
    """A log-in whose password fitted and whose second factor is awaited: no session yet."""

    __tablename__ = "login_tickets"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    realm: Mapped[str] = mapped_column(String(10))
    """The listener that gave it out."""
    network: Mapped[str] = mapped_column(String(64))
    """The prefix that it was given to."""
    home: Mapped[str] = mapped_column(String(64), default="")
    """The name of the account's own place or device that the password came from; empty for a stranger."""
    tries: Mapped[int] = mapped_column(Integer, default=0)
    expires_at: Mapped[float] = mapped_column(Float, index=True)


class IdentityRow(Base):
    """Somebody at an OpenID Connect issuer, and the account that they open here."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(SealedText("identities.email"))
    """As the issuer named it when it was linked, sealed; for its owner to know it by."""
    created_at: Mapped[float] = mapped_column(Float)
