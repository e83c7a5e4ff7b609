"""Figures as an operator reads them."""

_UNITS = ((600, "10 min"), (60, "60 s"), (10, "10 s"))


def number(value: float) -> str:
    """``1,140`` for whole numbers, one decimal place for small fractions."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def share(value: float) -> str:
    """``91 %``."""
    return f"{value * 100:.0f} %"


def window(seconds: int) -> str:
    """``10 s``, ``60 s`` or ``10 min``."""
    return next((word for length, word in _UNITS if seconds >= length), f"{seconds} s")


def listed(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def fingerprints(count: int) -> str:
    """``one fingerprint``, ``3 fingerprints``."""
    return "one fingerprint" if count == 1 else f"{count} fingerprints"


def few_fingerprints(count: int, of: float, acts: str) -> str:
    """``3 fingerprints share 97 % of the failures``."""
    word = "fingerprint shares" if count == 1 else "fingerprints share"
    return f"{count} {word} {share(of)} of the {acts}"
