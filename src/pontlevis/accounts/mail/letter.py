"""A letter's words and its form as a message."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "fr")


class LetterKind(StrEnum):
    """Why somebody gets a letter; also the name of its text."""

    VERIFY = "verify"
    KNOWN = "known"
    """There is an account already; told by mail alone where sign-up does not tell."""
    RESET = "reset"
    CHANGED = "changed"
    FACTORS = "factors"
    """A second factor or a passkey was set up, taken away or used up."""
    TURN = "turn"
    """From the waitlist."""
    INVITATION = "invitation"
    APPROVED = "approved"
    LEAKED = "leaked"
    """Somebody showed the secret of an API key, which was revoked."""
    SUBSCRIBE = "subscribe"
    """Asks whether the owner of the address wants to be told of incidents."""
    BREACH = "breach"
    """After a breach: what was ended; its sentences are chosen by facts."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent; the text may hold a secret."""

    subject: str
    body: str

    def __repr__(self) -> str:
        return f"Letter({self.subject!r})"


@cache
def _texts(language: str) -> dict[str, dict[str, str]]:
    file = files("pontlevis.accounts").joinpath("locale", f"letters.{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))


def compose(kind: LetterKind, language: str, **values: object) -> Letter:
    """The letter in ``language``, or in English where there is no such text."""
    text = _texts(language if language in LANGUAGES else "en")[kind.value]
    values.setdefault("done", "")
    return Letter(text["subject"].format(**values), text["body"].format(**values))


def sentences(language: str, facts: tuple[str, ...]) -> str:
    """What a letter after a breach says was done, a line each."""
    texts = _texts(language if language in LANGUAGES else "en")["done"]
    return "\n".join(f"- {texts[each]}" for each in facts)


def message_of(
    letter: Letter, *, to: str, sender: str, name: str, message_id: str, now: float
) -> EmailMessage:
    """The message as it goes over the wire. ``now`` is Unix seconds.

    Raises ``ValueError`` for an address or a subject that could not stand in one header line: the headers
    are set through ``email.headerregistry``, which lets no line break through.
    """
    message = EmailMessage(SMTP)
    message["From"] = Address(display_name=name, addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = message_id
    # RFC 3834: no mailbox answers "I am on holiday" to this.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    return message
