"""Speaks to one OpenID Connect issuer: discovery, keys, code for token, what the token says.

OpenID Connect Core 1.0 and Discovery 1.0, the code flow with PKCE (RFC 7636, S256). Whatever the issuer answers is
bounded in bytes and time, and no redirect is followed.
"""

import asyncio
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pontlevis.accounts.oidc_settings import IssuerSettings, is_safe_address

ALGORITHMS = (
    "RS256",
    "PS256",
    "ES256",
    "RS384",
    "RS512",
    "ES384",
    "ES512",
    "EdDSA",
)  # never none, never HMAC
MOST_BYTES = 262_144  # Google's keys and metadata together have 6 kB
TIMEOUT_S = 8.0
CACHED_S = 3_600.0  # as long as Google lets its keys be cached, about
RENEWED_S = 60.0  # an unknown key id asks for the keys anew, but not more often than this
LEEWAY_S = 60  # of clocks
AT_ONCE = 8


class IssuerAway(Exception):
    """The issuer cannot be reached, or what it answers is no answer; the words are for the log."""


class BadToken(Exception):
    """A token that does not hold; the words are for the log."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in at the issuer."""

    subject: str
    email: str
    verified: bool
    """Whether the issuer says that the address is theirs."""


class Issuer:
    """``clock`` gives Unix seconds."""

    def __init__(self, settings: IssuerSettings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._clock = clock
        self._metadata: tuple[float, dict[str, str]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def address(self, *, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where a browser is sent to log in. Raises ``IssuerAway``."""
        found = await self._discover()
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if self.settings.hosted_domain:
            asked["hd"] = self.settings.hosted_domain
        start = found["authorization_endpoint"]
        return f"{start}{'&' if '?' in start else '?'}{urlencode(asked)}"

    async def person(self, code: str, *, redirect: str, nonce: str, verifier: str) -> Person:
        """Who brought this code. Raises ``IssuerAway`` and ``BadToken``."""
        found = await self._discover()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "client_id": self.settings.client_id,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if self.settings.client_secret and found["token_auth"] == "basic":
            del form["client_id"]
            headers["authorization"] = _basic(self.settings.client_id, self.settings.client_secret)
        elif self.settings.client_secret:
            form["client_secret"] = self.settings.client_secret
        answer = await self._ask("POST", found["token_endpoint"], form, headers)
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise BadToken("the answer has no id_token")
        person = await self._read(token, nonce)
        if person.email or not found["userinfo_endpoint"] or not isinstance(access, str):
            return person
        return await self._complete(person, found["userinfo_endpoint"], access)

    async def check_sender(self, named: str) -> None:
        """Whether ``iss`` of the way back is this issuer (RFC 9207 §2.4). Raises ``IssuerAway``, ``BadToken``."""
        found = await self._discover()
        if named != self.settings.issuer and (named or found["names_itself"]):
            raise BadToken("the way back names another issuer, or none where this one always does")

    async def _complete(self, person: Person, url: str, access: str) -> Person:
        """Address and word on it from UserInfo, where issuers keep what scopes ask for (Core §5.3, §5.4)."""
        if not access.isascii() or not access.isprintable():
            raise BadToken("its access token cannot be sent")
        told = await self._ask("GET", url, headers={"authorization": f"Bearer {access}"})
        if told.get("sub") != person.subject:
            raise BadToken("UserInfo is about somebody else")
        return _person(person.subject, told)

    async def _read(self, token: str, nonce: str) -> Person:
        """OpenID Connect Core §3.1.3.7."""
        try:
            claims = jwt.decode(token, await self._key_set(), algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            # Perhaps the issuer's keys are new.
            try:
                claims = jwt.decode(
                    token, await self._key_set(renew=True), algorithms=list(ALGORITHMS)
                ).claims
            except (JoseError, ValueError) as error:
                raise BadToken(f"its signature does not hold: {type(error).__name__}") from None
        now, mine = self._clock(), self.settings.client_id
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, issued = claims.get("exp"), claims.get("iat")
        if claims.get("iss") != self.settings.issuer:
            raise BadToken("it is another issuer's")
        if mine not in audiences or (len(audiences) > 1 and claims.get("azp") != mine):
            raise BadToken("it is for somebody else")
        if not isinstance(expires, int | float) or expires + LEEWAY_S <= now:
            raise BadToken("it has expired")
        if not isinstance(issued, int | float) or issued - LEEWAY_S > now:
            raise BadToken("it comes from the future")
        if claims.get("nonce") != nonce:
            raise BadToken("it answers another log-in")
        if self.settings.hosted_domain and claims.get("hd") != self.settings.hosted_domain:
            raise BadToken("it is for somebody of another domain")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise BadToken("it names nobody")
        return _person(subject, claims)

    async def _discover(self) -> dict[str, str]:
        if self._metadata is not None and self._clock() - self._metadata[0] < CACHED_S:
            return self._metadata[1]
        url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = await self._ask("GET", url)
        if answer.get("issuer") != self.settings.issuer:
            raise IssuerAway("its metadata name another issuer")
        found: dict[str, str] = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            value = answer.get(name)
            if not isinstance(value, str) or not is_safe_address(value):
                raise IssuerAway(f"its metadata have no {name} that could be used")
            found[name] = value
        userinfo = answer.get("userinfo_endpoint")
        found["userinfo_endpoint"] = (
            userinfo if isinstance(userinfo, str) and is_safe_address(userinfo) else ""
        )
        # A header is what an issuer means that says nothing (Discovery §3).
        ways = answer.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = not isinstance(ways, list) or "client_secret_basic" in ways
        chosen = self.settings.token_auth
        found["token_auth"] = chosen if chosen != "auto" else "basic" if basic else "post"
        named = answer.get("authorization_response_iss_parameter_supported") is True
        found["names_itself"] = "yes" if named else ""
        self._metadata = (self._clock(), found)
        return found

    async def _key_set(self, *, renew: bool = False) -> KeySet:
        age = self._clock() - self._keys[0] if self._keys is not None else CACHED_S
        if self._keys is not None and age < (RENEWED_S if renew else CACHED_S):
            return self._keys[1]
        answer = await self._ask("GET", (await self._discover())["jwks_uri"])
        listed = answer.get("keys")
        if not isinstance(listed, list):
            raise IssuerAway("its keys cannot be read")
        # Keys of kinds that nobody here knows are no reason to refuse the others.
        known = [
            each for each in listed if isinstance(each, dict) and each.get("kty") in ("RSA", "EC", "OKP")
        ]
        try:
            keys = KeySet.import_key_set({"keys": known})
        except (JoseError, ValueError, KeyError, TypeError):
            raise IssuerAway("its keys cannot be read") from None
        self._keys = (self._clock(), keys)
        return keys

    async def _ask(
        self, method: str, url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, object]:
        """One JSON object. Raises ``IssuerAway``, and ``BadToken`` for a code that was refused."""
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._gate,
                httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    method, url, data=form, headers={"accept": "application/json", **(headers or {})}
                ) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        raise IssuerAway("its answer is too long")
                status = answer.status_code
        except (httpx.HTTPError, TimeoutError, httpx.InvalidURL) as error:
            raise IssuerAway(f"it does not answer: {type(error).__name__}") from None
        if status in (400, 401) and method == "POST":
            raise BadToken("the issuer refuses the code")
        try:
            found = json.loads(body) if status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise IssuerAway(f"it answers {status}, or no JSON")
        return found


def _person(subject: str, claims: Mapping[str, object]) -> Person:
    email = claims.get("email")
    verified = claims.get("email_verified") in (True, "true")
    return Person(subject, email if isinstance(email, str) else "", verified)


def _basic(client: str, secret: str) -> str:
    """RFC 6749 §2.3.1: each part form-encoded first, so that a colon in one does not end it."""
    return "Basic " + b64encode(f"{quote_plus(client)}:{quote_plus(secret)}".encode()).decode()
