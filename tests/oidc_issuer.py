"""A small honest OpenID Connect issuer on loopback, that a test can make dishonest."""

import base64
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "heron", "a secret between two"
OTHER_KEY = RSAKey.generate_key(2_048, {"kid": "one"})


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Issuer:
    """Who is logged in at it, and what it answers."""

    clock: float | None = None
    """Unix seconds that its tokens go by; the wall clock's where None."""
    subject: str = "1001"
    email: str = "ada@example.com"
    verified: bool = True
    claims: dict[str, object] = field(default_factory=dict)
    """Put over the right ones."""
    metadata: dict[str, object] = field(default_factory=dict)
    """Put over the right ones."""
    posts: bool = False
    """Takes the secret in the form, not in a header."""
    userinfo: dict[str, object] = field(default_factory=dict)
    wrong_key: bool = False
    algorithm: str = "RS256"
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By path, in place of the right ones."""
    asked: list[str] = field(default_factory=list)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2_048, {"kid": "one"}))
    url: str = ""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def come(self, address: str) -> str:
        """What a browser does here: logs in, and is sent back with a code. Returns where to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return 200, json.dumps(
                {"issuer": self.url, **{k: self.url + v for k, v in ends.items()}, **self.metadata}
            ).encode()
        if path == "/keys":
            return 200, json.dumps({"keys": [self.key.as_dict(private=False), {"kty": "new"}]}).encode()
        if path == "/userinfo":
            return (
                (200, json.dumps(self.userinfo).encode())
                if form["authorization"] == "Bearer x"
                else (401, b"")
            )
        asked = self._codes.pop(form.get("code", ""), None)
        if path != "/token" or asked is None:
            return 400, b'{"error":"invalid_grant"}'
        proof = _encoded(sha256(form["code_verifier"].encode()).digest())
        honest = proof == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]
        shown = base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode()
        right = (
            form.get("client_secret") == SECRET
            if self.posts
            else form.get("authorization") == f"Basic {shown}"
        )
        if not honest or not right:
            return 400, b'{"error":"invalid_grant"}'
        return 200, json.dumps({"access_token": "x", "id_token": self.token(asked["nonce"])}).encode()

    def token(self, nonce: str) -> str:
        now = int(self.clock if self.clock is not None else time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": self.subject, "email": self.email, "email_verified": self.verified,
            "nonce": nonce, "iat": now, "exp": now + 300, **self.claims,
        }  # fmt: skip
        header = {"alg": self.algorithm, "kid": "one"}
        if self.algorithm in ("none", "HS256"):
            parts = [_encoded(json.dumps(each).encode()) for each in (header, claims)]
            # The old confusion: the public key taken for a shared secret.
            mac = hmac.digest(self.key.as_pem(private=False), ".".join(parts).encode(), "sha256")
            return ".".join([*parts, _encoded(mac) if self.algorithm == "HS256" else ""])
        key = OTHER_KEY if self.wrong_key else self.key
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])


@contextmanager
def oidc_issuer() -> Iterator[Issuer]:
    """Serves until the block ends."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if urlsplit(self.path).path == "/authorize":
                self.send_response(302)
                self.send_header("location", issuer.come(self.path))
                self.end_headers()
                return
            self._answer({"authorization": self.headers.get("authorization", "")})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(raw).items()}
            self._answer({**form, "authorization": self.headers.get("authorization", "")})

        def _answer(self, form: dict[str, str]) -> None:
            status, body = issuer.answer(urlsplit(self.path).path, form)
            self.send_response(status)
            if status == 302:
                self.send_header("location", body.decode())
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
