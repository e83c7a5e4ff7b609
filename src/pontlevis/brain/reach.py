"""What a decision against a place closes to it: the narrowest that the evidence allows."""

from enum import StrEnum

from pontlevis.brain.observation import Kind


class Reach(StrEnum):
    """What of an address or prefix is refused; an account or a key is refused altogether."""

    EVERYTHING = "everything"
    KEYLESS = "keyless"
    """Calls of the inference API that bring no valid key or session."""
    LOG_INS = "log_ins"
    """Tries to log in."""
    SIGN_UPS = "sign_ups"
    """Tries to make an account or to join the waitlist."""
    PAGES = "pages"
    """Pages, where no valid session is brought: neither log-ins, nor sign-ups, nor calls."""

    def closes(self, kind: Kind, *, keyed: bool = False) -> bool:
        """Whether it refuses an act of this kind; ``keyed``: it brings a valid key or session."""
        if self is Reach.KEYLESS:
            return kind is Kind.REQUEST and not keyed
        if self is Reach.LOG_INS:
            return kind is Kind.LOGIN
        if self is Reach.PAGES:
            return kind is Kind.PAGE and not keyed
        return self is Reach.EVERYTHING or kind is Kind.SIGNUP

    def covers(self, other: "Reach") -> bool:
        """Whether whatever ``other`` closes is closed by it."""
        return self is other or self is Reach.EVERYTHING
