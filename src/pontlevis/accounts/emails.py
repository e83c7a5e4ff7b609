"""E-mail addresses: checked, and reduced to what makes them one person's."""

import re

import email_validator
from email_validator import EmailNotValidError, validate_email

from pontlevis.accounts.errors import AccountError

LONGEST = 254  # RFC 5321 4.5.3.1.3, a path less its brackets
_DOTS_IGNORED = frozenset({"gmail.com", "googlemail.com"})
_SAME = {"googlemail.com": "gmail.com"}
_DOMAIN = re.compile(r"[\w.-]{1,100}")

# A service within a private network has users whose addresses no public mail reaches.
for _private in ("local", "test"):
    if _private in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_private)


def check_email(text: str) -> str:
    """The address in its normal form. Raises ``AccountError`` 400."""
    if len(text) > LONGEST:
        raise AccountError(400, "invalid_email", "the e-mail address is too long", param="email")
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise AccountError(
            400, "invalid_email", f"the e-mail address is not valid: {error}", param="email"
        ) from None


def email_key(email: str) -> str:
    """The address as uniqueness sees it: lower case, no plus-tag, no dots where the provider ignores them."""
    local, _, domain = email.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTS_IGNORED:
        local = local.replace(".", "")
    return f"{local}@{_SAME.get(domain, domain)}"


def domain_of(email: str) -> str:
    """The domain in lower case, at most 100 characters; empty where there is none.

    It reaches findings and logs, so that nothing but letters, digits, dots and hyphens may be in it.
    """
    domain = email.rpartition("@")[2].strip().lower()
    return domain if _DOMAIN.fullmatch(domain) else ""
