"""Columns that are sealed on the way into the database and opened on the way out.

A row class says what is sealed by its column's type; whoever reads ``row.email`` gets the address, and the
database, its backups and its logs hold none. How a text is sealed is not known here: ``Seals`` does it.
"""

import logging
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Dialect, String, Text, bindparam
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

log = logging.getLogger("pontlevis.storage")

SEALED = "sealed:1:"
"""What every sealed text begins with; no address does, since a colon cannot stand in one."""
HASHED = "hash:"
"""What every look-up hash begins with; which key made it stands next."""


class Seals(Protocol):
    """What seals and opens; ``context`` names the column, so that no value can be moved to another one."""

    def seal(self, text: str, context: str) -> str: ...

    def open(self, sealed: str, context: str) -> str:
        """Raises ValueError where it does not open."""
        ...

    def lookup(self, text: str, context: str) -> str:
        """Always the same for the same text, and good for nothing but comparing."""
        ...

    def former_lookup(self, text: str, context: str) -> str:
        """Under which the text may still be kept while the key is being replaced; else the same."""
        ...


_SEALS: WeakKeyDictionary[Dialect, Seals] = WeakKeyDictionary()


def use_seals(dialect: Dialect, seals: Seals) -> None:
    """Every connection of this engine's dialect seals and opens with these from now on."""
    _SEALS[dialect] = seals


def seals_of(dialect: Dialect) -> Seals | None:
    return _SEALS.get(dialect)


class SealedText(TypeDecorator[str]):
    """A text that only the holder of the key can read. Empty stays empty; without keys it is kept as it is."""

    impl: type[Text] | type[String] = Text
    cache_ok = True

    def __init__(self, context: str, length: int | None = None) -> None:
        super().__init__(length)
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        seals = seals_of(dialect)
        return seals.seal(value, self.context) if value and seals is not None else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        seals = seals_of(dialect)
        if not value or seals is None or not value.startswith(SEALED):
            return value
        try:
            return seals.open(value, self.context)
        except ValueError as error:
            # One damaged value must not take a list, or a log-in, with it.
            log.error("data:seals:not_opened %s", error)
            return ""


class SealedString(SealedText):
    """The same in a column that was made with a length: the sealed text's, not the plain one's."""

    impl = String
    cache_ok = True

    def __init__(self, context: str, length: int) -> None:
        super().__init__(context, length)


class _EitherHash(String.Comparator[str]):
    """``column == text`` finds a row under the key of now and under the one that is being replaced.

    Always two values, so that a statement is the same (and costs the same) whether or not a rotation is on.
    """

    def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> ColumnElement[Any]:
        kept = self.expr.type
        if op is operators.eq and isinstance(other[0], str) and isinstance(kept, LookupText):
            length = kept.length or 0
            return self.expr.in_(
                [
                    bindparam(None, other[0], type_=LookupText(length, kept.context)),
                    bindparam(None, other[0], type_=_FormerLookupText(length, kept.context)),
                ]
            )
        return super().operate(op, *other, **kwargs)


class LookupText(TypeDecorator[str]):
    """A text kept as a keyed hash: it can be asked for, and never read. What is read from it may be written back."""

    impl = String
    cache_ok = True
    comparator_factory = _EitherHash

    def __init__(self, length: int, context: str) -> None:
        super().__init__(length)
        self.length = length
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        seals = seals_of(dialect)
        if not value or seals is None or value.startswith(HASHED):
            return value
        return seals.lookup(value, self.context)


class _FormerLookupText(LookupText):
    """The other of the two hashes that are asked for."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        seals = seals_of(dialect)
        if not value or seals is None or value.startswith(HASHED):
            return value
        return seals.former_lookup(value, self.context)
