"""The policy file: thresholds in a file of their own, strict, and read again while the service runs.

`pontlevis.toml` < environment < policy file: the file that an operator changes at night has the last word
on thresholds, and cannot name anything else (addresses, engines, the data directory).
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from pontlevis.config import Settings

MOST_BYTES = 1_048_576
LIVE: dict[str, frozenset[str]] = {
    "posture": frozenset(),
    "standing": frozenset(),
    "admission": frozenset(
        {"enabled", "accounts_remembered", "default_output_tokens", "reserve_memory_s", "reserve_headroom"}
    ),
    "detection": frozenset(
        {
            "usual_fail_share",
            "detectors_off",
            "max_fingerprints",
            "max_prefixes",
            "max_domains",
            "familiar_s",
            "places_per_account",
            "protect_s",
            "max_suspects",
            "guess_half_life_s",
            "max_newcomers",
            "max_visitors",
            "max_visits",
            "learning_visits",
            "learning_s",
            "newcomer_s",
            "surge_ratio",
            "surge_limit",
            "added_ratio",
            "first_use_limit",
            "common_domains",
            "flood_ratio",
            "good_keep_s",
            "hour_least_s",
            "hour_weeks",
            "max_asns",
            "max_good",
            "usual_hosted_calls",
            "usual_hosted_people",
        }
    ),
}
"""Sections that are taken up while the service runs, and which of their settings are read at a start only."""

Tables = Mapping[str, Mapping[str, object]]


class BadPolicyFile(ValueError):
    """Everything that is wrong with a policy file; it is refused whole."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"{source} is refused:\n" + "\n".join(f"  {each}" for each in problems))


class Change(msgspec.Struct, frozen=True):
    """One threshold that is not what it was."""

    name: str
    """``section.setting``."""
    old: str
    new: str
    live: bool
    """In force at once; False: at the next start."""

    def __str__(self) -> str:
        return f"{self.name} {self.old} → {self.new}" + ("" if self.live else " (at the next start)")


def section_names() -> tuple[str, ...]:
    """The sections that a policy file may have: every table of thresholds that the settings have."""
    from pontlevis.config import Settings

    return tuple(
        name
        for name, field in Settings.model_fields.items()
        if hasattr(field.default, "__dataclass_fields__")
    )


def read_tables(path: Path) -> Tables:
    """The file's tables, their names checked. Raises ``BadPolicyFile``."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadPolicyFile(str(path), [error.strerror or str(error)]) from None
    if len(data) > MOST_BYTES:
        raise BadPolicyFile(str(path), [f"it is longer than {MOST_BYTES} bytes"])
    try:
        tables = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadPolicyFile(str(path), [f"it is not valid TOML: {error}"]) from None
    problems = list(_misnamed(tables))
    if problems:
        raise BadPolicyFile(str(path), problems)
    return tables


def ruled(settings: "Settings", tables: Tables, source: str) -> "Settings":
    """``settings`` with the thresholds that the tables name. Raises ``BadPolicyFile`` with every problem."""
    changed: dict[str, object] = {}
    problems: list[str] = []
    for section, values in tables.items():
        policy = getattr(settings, section)
        whole = {each.name: getattr(policy, each.name) for each in fields(policy)} | dict(values)
        try:
            changed[section] = TypeAdapter(type(policy)).validate_python(whole)
        except ValidationError as error:
            problems.extend(_said(section, each) for each in error.errors())
    if problems:
        raise BadPolicyFile(source, problems)
    return settings.model_copy(update=changed)


def with_policy_file(settings: "Settings") -> "Settings":
    """``settings`` under the policy file that they name; themselves where they name none.

    Raises ``BadPolicyFile``.
    """
    if settings.policy_file is None:
        return settings
    return ruled(settings, read_tables(settings.policy_file), str(settings.policy_file))


def changes(old: "Settings", new: "Settings") -> list[Change]:
    """Every threshold that differs, in the order of the reference page."""
    found = []
    for section in section_names():
        before, after = getattr(old, section), getattr(new, section)
        for each in fields(before):
            was, now = getattr(before, each.name), getattr(after, each.name)
            if was != now:
                live = section in LIVE and each.name not in LIVE[section]
                found.append(Change(f"{section}.{each.name}", shown(was), shown(now), live))
    return found


def live_part(old: "Settings", new: "Settings") -> "Settings":
    """``old`` with what of ``new`` may be taken up now."""
    from dataclasses import replace

    update: dict[str, object] = {}
    for section, fixed in LIVE.items():
        before = getattr(old, section)
        kept = {name: getattr(before, name) for name in fixed if hasattr(before, name)}
        update[section] = replace(getattr(new, section), **kept)
    return old.model_copy(update=update)


def shown(value: object) -> str:
    """A value as people read it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(shown(each) for each in value) + "]"
    if isinstance(value, (set, frozenset)):
        return "[" + ", ".join(sorted(shown(each) for each in value)) + "]"
    return str(value)


def _misnamed(tables: Mapping[str, object]) -> Iterator[str]:
    from pontlevis.config import Settings

    sections = section_names()
    for section, values in tables.items():
        if section not in sections:
            hint = nearest(section, sections)
            yield (
                f"[{section}]: there is no such section{hint}"
                if isinstance(values, dict)
                else (f"{section}: a policy file has sections only{hint or ', such as [posture]'}")
            )
            continue
        if not isinstance(values, dict):
            yield f"{section}: this is a section: write [{section}]"
            continue
        known = [each.name for each in fields(Settings.model_fields[section].default)]
        for name in values:
            if name not in known:
                yield f"[{section}] {name}: there is no such setting{nearest(name, known)}"


def nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    """``; did you mean …?`` where something is near."""
    found = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def _said(section: str, error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"[{section}] {where}: {text}" if where else text
