"""How a constant that steers behaviour is declared: default, unit, meaning, source."""

from dataclasses import Field, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class SettingNote:
    """What the reference page says of one setting."""

    unit: str
    doc: str
    source: str


def setting(default: Any, *, unit: str, doc: str, source: str) -> Any:
    """A dataclass field that carries its unit, meaning and source.

    ``source`` is a paper, an RFC, the default of a known product, a measurement here, or ``choice``
    with a half sentence of reason.
    """
    metadata = {"note": SettingNote(unit=unit, doc=doc, source=source)}
    if isinstance(default, (dict, list, set)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def notes(policy: type[Any]) -> dict[str, SettingNote]:
    """The notes of a policy class, by field name; every field has one."""
    return {each.name: _note(each) for each in fields(policy)}


def _note(each: "Field[Any]") -> SettingNote:
    note = each.metadata.get("note")
    if not isinstance(note, SettingNote):
        raise TypeError(f"setting {each.name!r} has no unit, meaning and source")
    return note
