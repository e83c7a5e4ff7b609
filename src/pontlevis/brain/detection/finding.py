"""What a detector says."""

from enum import StrEnum

import msgspec

from pontlevis.brain.reach import Reach


class DetectorName(StrEnum):
    SIGNUP_SURGE = "signup_surge"
    CREDENTIAL_STUFFING = "credential_stuffing"
    ROTATING_FLOOD = "rotating_flood"
    TOKEN_DRAIN = "token_drain"
    IMPACT = "impact"
    SINGLE_SOURCE = "single_source"
    SLEEPER_ACCOUNTS = "sleeper_accounts"
    LEAKED_KEY = "leaked_key"
    HEAVY_HITTER = "heavy_hitter"
    SLOW_CLIENTS = "slow_clients"
    PAGE_FLOOD = "page_flood"


class Finding(msgspec.Struct, frozen=True):
    """One detector's statement."""

    id: str
    """Stable while the same finding goes on: ``detector:since``."""
    detector: DetectorName
    since: float
    at: float
    """When it was last confirmed, Unix seconds."""
    confidence: float
    """0 to 1."""
    hostile: bool
    """True when it accuses somebody; False for a crowd or mere impact."""
    sentence: str
    """One sentence with the figures it rests on."""
    figures: dict[str, float]
    sources: tuple[str, ...] = ()
    """At most 1,000 of the sources it accuses, most hostile first."""
    fingerprints: tuple[int, ...] = ()
    local: bool = False
    """It concerns only those it names, and their measures answer it: the posture does not depend on it."""
    dry_run: bool = False
    """The detector is on trial: what it says is shown, and nothing follows from it. Never ``hostile``."""


class Measure(msgspec.Struct, frozen=True):
    """A proposed decision, before it is in force."""

    scope: str
    """``address``, ``prefix``, ``account`` or ``credential``."""
    value: str
    reason: str
    finding: str
    duration_s: float
    dry_run: bool = False
    """Whether it is only to be shown and logged."""
    reach: Reach = Reach.EVERYTHING
    """What of an address or prefix it closes."""


class Withheld(msgspec.Struct, frozen=True):
    """A measure that was not proposed, or not so widely, and why."""

    scope: str
    value: str
    reason: str
    """What it would have been for."""
    why: str
    """Whom it would have hit."""
