"""Keys and reports of leaked ones over HTTP: API, pages, signatures."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from web_house import CHEAP, PASSWORD, START, WebHouse, web_house

from pontlevis.accounts.reporters import Reporters
from pontlevis.brain.credential import TEXT_LENGTH
from pontlevis.web.i18n import LANGUAGES

ADA = {"email": "ada@example.com", "password": PASSWORD}
SCANNER = re.compile(r"\bpl-A[Q-Za-f][A-Za-z0-9_-]{58}(?![A-Za-z0-9_-])")
"""As docs/keys.md gives it."""


async def test_a_key_with_everything_and_a_key_that_makes_another(house: WebHouse) -> None:
    """What was asked for is in the answer and in the list; a key that may asks as a session does, for its own."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
        await client.post("/api/sessions", json=ADA)
        wanted = {
            "name": "deploy", "models": ["gpt-*"], "endpoints": ["models", "keys"],
            "limits": {"requests_per_minute": 5}, "expires_in_s": 60,
        }  # fmt: skip
        made = (await client.post("/api/keys", json=wanted)).json()
        limits = {"requests_per_minute": 5, "tokens_per_minute": 0, "requests_per_day": 0, "tokens_per_day": 0, "concurrent": 0}  # fmt: skip
        assert (made["models"], made["endpoints"], made["limits"], made["expires_at"]) == (["gpt-*"], ["models", "keys"], limits, START + 60)  # fmt: skip
        (listed,) = (await client.get("/api/keys")).json()["keys"]
        assert {name: made[name] for name in listed if name in made} == listed
        client.cookies.clear()
        bearer = {"authorization": f"Bearer {made['key']}"}
        job = {
            "name": "job",
            "models": ["gpt-4"],
            "endpoints": ["models"],
            "limits": {"requests_per_minute": 1},
        }
        child = await client.post("/api/keys", json=job, headers=bearer)
        assert (child.status_code, child.json()["expires_at"]) == (201, START + 60)
        assert [each["name"] for each in (await client.get("/api/keys", headers=bearer)).json()["keys"]] == [
            "job"
        ]
        refused = await client.post(
            "/api/keys", json=job, headers={"authorization": f"Bearer {child.json()['key']}"}
        )
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "endpoint_not_permitted")
        house.now = START + 61
        assert (await client.get("/api/keys", headers=bearer)).status_code == 401
        for path in ("/api/accounts/me", "/api/sessions/current"):
            answer = await client.request("GET" if path.endswith("me") else "DELETE", path, headers=bearer)
            assert answer.status_code == 401, "a key is no session"


async def test_the_pattern_for_scanners_finds_every_key_and_whole(house: WebHouse) -> None:
    """The first characters follow from the version; the end from the length."""
    async with house.client() as client:
        await client.post("/api/accounts", json=ADA)
        await client.post("/api/sessions", json=ADA)
        for number in range(20):
            key = (await client.post("/api/keys", json={"name": str(number)})).json()["key"]
            assert len(key) == TEXT_LENGTH
            assert SCANNER.findall(f'KEY="{key}"\n') == [key]
    docs = Path(__file__).parents[2] / "docs" / "keys.md"
    assert SCANNER.pattern in docs.read_text("utf-8")


async def test_a_report_gets_one_answer_whatever_it_names_and_is_bounded(tmp_path: Path) -> None:
    """JSON and form; known, revoked and made-up keys; too many keys, too many bytes, too often."""
    async with web_house(tmp_path, policy=replace(CHEAP, leak_reports_per_source=5)) as house, house.client() as client:  # fmt: skip
        await client.post("/api/accounts", json=ADA)
        await client.post("/api/sessions", json=ADA)
        keys = [(await client.post("/api/keys", json={"name": f"k{n}"})).json()["key"] for n in range(3)]
        client.cookies.clear()
        answers = []
        for content in ([{"token": keys[0]}], [{"token": keys[0], "type": "x", "url": "y", "source": "z"}], [{"token": "pl-x"}]):  # fmt: skip
            answers.append(await client.post("/api/leaked-keys", json=content))
        assert {(each.status_code, each.text) for each in answers} == {(202, '{"received":1}')}
        form = await client.post(
            "/api/leaked-keys", data={"token": f"{keys[1]}\n{keys[2]}", "url": "https://x"}
        )
        assert (form.status_code, form.json()) == (202, {"received": 2})
        for body in (b"{}", b"[]", b"[1]", b'[{"token":""}]', b"\xff", b"[" * 5_000, b'[{"token":1}]'):
            bad = await client.post("/api/leaked-keys", content=body)
            assert (bad.status_code, bad.json()["error"]["code"]) == (400, "invalid_body"), body
        for large in ([{"token": "x"}] * 101, [{"token": "x" * 300_000}]):
            bad = await client.post("/api/leaked-keys", json=large)
            assert (bad.status_code, bad.json()["error"]["code"]) == (413, "request_too_large")
        assert (await client.post("/api/leaked-keys", json=[{"token": "x"}])).status_code == 202
        often = await client.post("/api/leaked-keys", json=[{"token": "x"}])
        assert (often.status_code, often.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(often.headers["retry-after"]) > 3_000
        await client.post("/api/sessions", json=ADA)
        assert all(each["leaked_at"] == START for each in (await client.get("/api/keys")).json()["keys"])


def _reporters(directory: Path) -> tuple[ec.EllipticCurvePrivateKey, Path]:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    file = directory / "reporters.json"
    file.write_text(json.dumps({"public_keys": [{"key_identifier": "k1", "key": pem, "is_current": True}]}))
    return private, file


async def test_a_signed_report_is_noted_under_its_name_and_a_false_signature_is_refused(
    tmp_path: Path,
) -> None:
    """ECDSA over the very bytes; signed ones are not counted against their address."""
    private, file = _reporters(tmp_path)
    policy = replace(CHEAP, leak_reporters=str(file), leak_reports_per_source=1)
    async with web_house(tmp_path, policy=policy) as house, house.client() as client:
        body = b'[{"token":"pl-x","type":"t","url":"u","source":"content"}]'
        good = base64.b64encode(private.sign(body, ec.ECDSA(SHA256()))).decode()

        async def send(identifier: str, signature: str, content: bytes = body) -> int:
            headers = {"github-public-key-identifier": identifier, "github-public-key-signature": signature}
            return (await client.post("/api/leaked-keys", content=content, headers=headers)).status_code

        assert [await send("k1", good) for _ in range(3)] == [202] * 3
        for identifier, signature, content in (
            ("k2", good, body), ("k1", good, body + b" "), ("k1", "", body), ("", good, body),
            ("k1", "AAAA", body), ("k1", "!!", body), ("k1", good * 9, body),
        ):  # fmt: skip
            assert await send(identifier, signature, content) == 403
        assert (await client.post("/api/leaked-keys", content=body)).status_code == 202
        assert (await client.post("/api/leaked-keys", content=body)).status_code == 429


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"public_keys":[{"key_identifier":"k","key":"none"}]}'],
    ids=["empty", "list", "no PEM"],
)
def test_a_file_of_reporters_that_cannot_be_read_says_so(tmp_path: Path, content: str) -> None:
    """At start, with the setting's name."""
    file = tmp_path / "r.json"
    file.write_text(content)
    for path in (file, tmp_path / "none.json"):
        with pytest.raises(ValueError, match=r"accounts\.leak_reporters"):
            Reporters(str(path))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_keys_page_makes_rotates_and_deletes_without_javascript(
    house: WebHouse, language: str
) -> None:
    """Every form, every state of a key, and errors that keep what was typed; no text is missing."""
    async with house.browser(language=language) as visitor:
        assert (await visitor.get("/keys")).headers["location"] == "/login?next=/keys"
        for path, method in (("/keys", "POST"), ("/keys/x/rotate", "POST"), ("/keys/x/delete", "POST")):
            assert (await visitor.request(method, path)).headers["location"] == "/login?next=/keys"
        await visitor.post("/register", data=ADA)
        pages = [(await visitor.get("/keys")).text]
        form = {"name": "<bot>", "models": "gpt-*, llama\nqwen", "endpoint": ["chat/completions", "keys"], "days": "7", "requests_per_minute": "30"}  # fmt: skip
        made = await visitor.post("/keys", data=form)
        assert made.status_code == 201
        assert "&lt;bot&gt;" in made.text
        (key,) = set(SCANNER.findall(made.text))
        assert all(f"<code>{each}</code>" in made.text for each in ("gpt-*", "llama", "qwen", "keys"))
        (view,) = await house.accounts.list_keys((await house.accounts.list_accounts())[0].id)
        assert view.expires_at == START + 7 * 86_400
        rotated = await visitor.post(f"/keys/{view.id}/rotate", data={"overlap": "3600"})
        assert rotated.status_code == 201
        assert key not in rotated.text
        assert 'href="/keys?lang=' in rotated.text
        pages += [made.text, rotated.text, (await visitor.get("/keys")).text]
        changes: list[dict[str, str | list[str]]] = [
            {"endpoint": []}, {"days": "8"}, {"requests_per_minute": "-1"}, {"tokens_per_day": "x"}, {"name": ""},
        ]  # fmt: skip
        changes.append({"models": f"llama, {'x' * 300}"})
        for change in changes:
            bad = await visitor.post("/keys", data={**form, **change})
            assert bad.status_code == 400
            assert 'role="alert"' in bad.text
            assert "llama" in bad.text
            pages.append(bad.text)
        leak = await visitor.post("/leaked-key", data={"token": SCANNER.findall(rotated.text)[0]})
        assert leak.status_code == 202
        assert (await visitor.post("/leaked-key", data={"token": " "})).status_code == 400
        pages += [leak.text, (await visitor.get("/leaked-key")).text, (await visitor.get("/keys")).text]
        assert (await visitor.post(f"/keys/{view.id}/delete")).status_code == 404
        other = await visitor.post("/keys", data={"name": "short", "endpoint": "models", "days": "1"})
        assert other.status_code == 201
        house.now = START + 2 * 86_400
        pages.append((await visitor.get("/keys")).text)
        for page in pages:
            assert re.findall(r"\b(?:keys|leak|error|account|nav)\.[a-z_0-9]+\b", page) == []
        keys = await house.accounts.list_keys((await house.accounts.list_accounts())[0].id)
        ended = next(each.id for each in keys if each.name == "short")
        assert (await visitor.post(f"/keys/{ended}/delete")).headers["location"] == "/keys"
