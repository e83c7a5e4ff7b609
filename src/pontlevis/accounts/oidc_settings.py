"""An OpenID Connect issuer that people may log in with."""

from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


def is_safe_address(url: str) -> bool:
    """HTTPS, or plain HTTP to this machine: nothing of a log-in crosses a network in the open."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None:
        return False
    try:
        loopback = ip_address(parts.hostname).is_loopback
    except ValueError:
        loopback = parts.hostname == "localhost"
    return parts.scheme == "https" or (parts.scheme == "http" and loopback)


class IssuerSettings(BaseModel):
    """One issuer; everything else is found by discovery."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9-]{1,30}$")
    """Of its addresses here: ``/login/oidc/ID/callback`` is what the issuer has to know."""
    name: str = Field(min_length=1, max_length=60)
    """What the button says."""
    issuer: str
    """As its tokens name it, ``https://accounts.google.com``."""
    client_id: str = Field(min_length=1)
    client_secret: str = Field(default="", repr=False)
    """Empty for a public client; PKCE is used in either case."""

    token_auth: Literal["auto", "basic", "post"] = "auto"
    """How the secret is shown at the token endpoint (OpenID Connect Core §9): in a header, in the form, or as the
    issuer's metadata say, where a header is what they mean by saying nothing."""
    hosted_domain: str = ""
    """Only whose token has this ``hd``: Google's name for the domain of an organisation. Empty: anybody."""

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str) -> str:
        if not is_safe_address(issuer):
            raise ValueError("an issuer's address begins with https:// (http:// on this machine alone)")
        return issuer
