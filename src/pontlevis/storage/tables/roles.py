"""What each operator may do."""

from sqlalchemy import Float, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from pontlevis.storage.tables.base import Base


class OperatorRoleRow(Base):
    """The role of one operator; an operator without a row may only look."""

    __tablename__ = "operator_roles"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    """``viewer``, ``responder`` or ``admin``."""
    given_at: Mapped[float] = mapped_column(Float)
    given_by: Mapped[str] = mapped_column(String(200))
