"""What carries a letter to its reader."""

from email.message import EmailMessage
from typing import Protocol

import aiosmtplib

from pontlevis.accounts.mail.policy import Encryption, MailPolicy


class Undeliverable(Exception):
    """The letter did not leave. ``final`` where another try would end the same."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.final = final


class Carrier(Protocol):
    """Sends one message. Raises ``Undeliverable``."""

    async def send(self, message: EmailMessage) -> None: ...


class SmtpCarrier:
    """One connection a letter: few are sent, and none waits for another."""

    def __init__(self, policy: MailPolicy) -> None:
        self._policy = policy

    async def send(self, message: EmailMessage) -> None:
        policy = self._policy
        try:
            await aiosmtplib.send(
                message,
                hostname=policy.host,
                port=policy.port,
                username=policy.username or None,
                password=policy.password or None,
                use_tls=policy.encryption is Encryption.TLS,
                start_tls=policy.encryption is Encryption.STARTTLS,
                timeout=policy.timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            worst = min((each.code for each in error.recipients), default=550)
            raise Undeliverable(f"the recipient was refused ({worst})", final=worst >= 500) from None
        except aiosmtplib.SMTPAuthenticationError as error:
            # The operator's mistake, not the letter's: it waits until it is put right.
            raise Undeliverable(f"the SMTP server refused the log-in ({error.code})", final=False) from None
        except aiosmtplib.SMTPResponseException as error:
            raise Undeliverable(f"the SMTP server answered {error.code}", final=error.code >= 500) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Undeliverable(f"{type(error).__name__}: {error}"[:200], final=False) from None
