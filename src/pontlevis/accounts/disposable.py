"""Throw-away mail services: a few known for years, and the operator's list."""

from pathlib import Path

# Written out by hand: services that give an open mailbox to whoever asks, for years and under these names.
_BUILT_IN = frozenset(
    [
        "mailinator.com",
        "guerrillamail.com",
        "guerrillamail.net",
        "guerrillamail.org",
        "guerrillamailblock.com",
        "sharklasers.com",
        "grr.la",
        "10minutemail.com",
        "10minutemail.net",
        "temp-mail.org",
        "tempmail.com",
        "tempmailo.com",
        "yopmail.com",
        "yopmail.fr",
        "yopmail.net",
        "trashmail.com",
        "trashmail.de",
        "trash-mail.com",
        "throwawaymail.com",
        "getnada.com",
        "nada.email",
        "maildrop.cc",
        "mailnesia.com",
        "mailcatch.com",
        "dispostable.com",
        "fakeinbox.com",
        "mintemail.com",
        "mohmal.com",
        "moakt.com",
        "emailondeck.com",
        "spamgourmet.com",
        "mytemp.email",
        "tempail.com",
        "discard.email",
        "spam4.me",
        "jetable.org",
        "wegwerfmail.de",
        "byom.de",
        "mail.tm",
    ]
)
MOST_LINES = 1_000_000


class Disposable:
    """Judges domains. Raises ``ValueError``, naming the setting, for a list that cannot be read."""

    def __init__(self, path: str = "") -> None:
        self._domains = set(_BUILT_IN)
        if not path:
            return
        try:
            with Path(path).open(encoding="utf-8") as file:
                for number, line in enumerate(file):
                    if number >= MOST_LINES:
                        raise ValueError(
                            f"accounts.disposable_domains: {path} has more than {MOST_LINES} lines"
                        )
                    domain = line.partition("#")[0].strip().lower().removeprefix("*.").removeprefix("@")
                    if domain:
                        self._domains.add(domain)
        except OSError as error:
            raise ValueError(f"accounts.disposable_domains: {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"accounts.disposable_domains: {path} is not text in UTF-8") from None

    def __contains__(self, domain: str) -> bool:
        """Whether this domain, or one above it, is listed."""
        parts = domain.lower().split(".")
        return any(".".join(parts[start:]) in self._domains for start in range(len(parts) - 1))
