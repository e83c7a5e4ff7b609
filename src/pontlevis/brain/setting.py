"""How a constant that steers behaviour is declared: default, unit, meaning, source."""

from dataclasses import Field, dataclass, field, fields
from math import isfinite
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


def check_numbers(policy: Any, room: str, *, positive: bool = False, zero: tuple[str, ...] = ()) -> None:
    """Raises ValueError, naming the setting, for a number that is negative or none at all.

    With ``positive`` zero is refused as well, but for the names in ``zero``.
    """
    for each in fields(policy):
        value = getattr(policy, each.name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if not isfinite(value) or value < 0:
            raise ValueError(f"{room}.{each.name} must be a number, and not negative")
        if positive and value == 0 and each.name not in zero:
            raise ValueError(f"{room}.{each.name} must be greater than 0")


def adopt(policy: Any, fresh: Any) -> None:
    """Gives a policy that its room holds the values of another of its kind: how thresholds change in a running room.

    Every part of a room holds the same frozen object, so all see them at once; nothing else may change it.
    Raises TypeError where the kinds differ.
    """
    if type(policy) is not type(fresh):
        raise TypeError(f"{type(fresh).__name__} is not {type(policy).__name__}")
    for each in fields(policy):
        object.__setattr__(policy, each.name, getattr(fresh, each.name))


def _note(each: "Field[Any]") -> SettingNote:
    note = each.metadata.get("note")
    if not isinstance(note, SettingNote):
        raise TypeError(f"setting {each.name!r} has no unit, meaning and source")
    return note
