"""How strictly single sources and young accounts are judged just now."""

from dataclasses import dataclass


@dataclass(slots=True)
class Alert:
    """How strictly single sources are judged now; set at each tick from the open findings."""

    odds: float
    bad_keys: int
    flood: bool = False
    pages: bool = False
    """Whether a flood of pages is found."""
    stuffing: bool = False
    """Whether many are found to guess passwords."""
    guessing: frozenset[int] = frozenset()
    """Their fingerprints; empty where they cannot be told by them."""
    accused: frozenset[int] = frozenset()
    """Fingerprints accused of a flood; empty while a flood is on: everybody's strangers."""
    drain: bool = False
    drainers: frozenset[int] = frozenset()
    """Fingerprints of sign-up whose accounts drain tokens; empty while there is a drain: whoever was
    used at once."""
    signup_accused: frozenset[int] = frozenset()
    """Fingerprints that a sign-up finding accuses."""
    most_tokens: float = 0.0
    """Recent tokens above which a young account is greedy."""
    heavy_call: float = float("inf")
    """Tokens above which a first call is heavy."""
