"""Letters: over real SMTP, or kept for the operator; capped, single-use, and closed to header tricks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from account_house import CHEAP, DAY_S, PASSWORD, House, account_house
from aiosmtpd.smtp import SMTP, Envelope
from sqlalchemy import func, select

from pontlevis.accounts.leaks import LeakedKey
from pontlevis.accounts.mail import outbox
from pontlevis.accounts.mail.carrier import Undeliverable
from pontlevis.accounts.mail.letter import Letter, LetterKind, compose, message_of
from pontlevis.accounts.mail.outbox import Waiting, leave
from pontlevis.accounts.mail.policy import Encryption, MailPolicy
from pontlevis.accounts.policy import Verification
from pontlevis.accounts.service import AccountError
from pontlevis.brain.vocabulary import Standing
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.gate import LetterRow, LinkRow


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with account_house(tmp_path) as made:
        yield made


class Inbox:
    """Keeps what an SMTP server was given."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: object, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
        return "250 OK"


class Refusing:
    """A carrier whose answers are scripted."""

    def __init__(self, *answers: Undeliverable | None) -> None:
        self.answers = list(answers)
        self.sent: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.sent.append(message)


def _token(body: str, page: str) -> str:
    return body.partition(f"https://front.example/{page}?token=")[2].split()[0]


async def test_a_letter_goes_over_smtp_with_a_link_and_a_code_that_work_once(tmp_path: Path) -> None:
    """And nothing of it stays in the database but that it was sent."""
    inbox = Inbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(inbox), "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        mail = MailPolicy(
            host="127.0.0.1", port=port, encryption=Encryption.NONE, sender="door@front.example"
        )
        async with account_house(tmp_path, mail=mail) as house:
            await house.sign_up("ada@example.com")
            assert [each.state for each in await house.letters()] == ["sent"]
            (letter,) = inbox.letters
            assert (letter["to"], letter["from"]) == ("ada@example.com", "Heron <door@front.example>")
            assert letter["auto-submitted"] == "auto-generated"
            body = letter.get_content()
            code = next(line.strip() for line in body.splitlines() if line.startswith("    "))
            async with house.database.session() as session:
                assert await session.scalar(select(LetterRow.body)) == ""
            view = await house.accounts.verify_code("ada@example.com", code, source="192.0.2.1")
            assert view.verified
            with pytest.raises(AccountError):
                await house.accounts.verify_link(_token(body, "verify"))
            with pytest.raises(AccountError):
                await house.accounts.verify_code("ada@example.com", code, source="192.0.2.1")
    finally:
        server.close()


async def test_without_a_server_letters_are_kept_for_the_operator_and_not_for_ever(house: House) -> None:
    """Text and all, since nobody else can pass them on."""
    await house.sign_up("ada@example.com")
    (letter,) = await house.letters()
    assert (letter.state, letter.email) == ("kept", "ada@example.com")
    await house.accounts.verify_link(_token(letter.body, "verify"))
    house.now += 8 * DAY_S
    await house.accounts.tidy()
    assert await house.letters() == []


async def test_a_confirmed_address_is_established_sooner(house: House) -> None:
    """A week and one day of use, instead of three days of it."""
    made = await house.sign_up("ada@example.com")
    async with house.database.session() as session:
        (await session.get_one(AccountRow, made.id)).active_days = 1
    house.now += 7 * DAY_S
    await house.accounts.refresh_standings(house.now)
    assert house.standing_of(made.id) is Standing.NEW
    await house.accounts.ask_verification("ada@example.com", source="192.0.2.1", language="en")
    letter = (await house.letters("verify"))[-1]
    await house.accounts.verify_link(_token(letter.body, "verify"))
    assert house.standing_of(made.id) is Standing.ESTABLISHED


async def test_letters_to_one_person_are_written_in_their_order(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the first takes: a link ends the one before, and the newest letter must hold the one that works."""
    await house.sign_up("ada@example.com")
    house.now += DAY_S
    await house.accounts.ask_verification("ada@example.com", source="192.0.2.1", language="en")
    write, begun = house.accounts._write, []

    async def slow_at_first(waiting: Waiting) -> Letter | None:
        begun.append(waiting.id)
        if len(begun) == 1:
            await asyncio.sleep(0.2)
        return await write(waiting)

    monkeypatch.setattr(house.accounts, "_write", slow_at_first)
    older, newer = await house.letters("verify")
    with pytest.raises(AccountError, match="replaced"):
        await house.accounts.verify_link(_token(older.body, "verify"))
    await house.accounts.verify_link(_token(newer.body, "verify"))


async def test_a_code_is_guessed_five_times_and_no_more(house: House) -> None:
    """Then link and code are void; and one source may not go on with other addresses."""
    await house.sign_up("ada@example.com")
    (letter,) = await house.letters()
    code = next(line.strip() for line in letter.body.splitlines() if line.startswith("    ")).replace(" ", "")
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        with pytest.raises(AccountError) as caught:
            await house.accounts.verify_code("ada@example.com", wrong, source="192.0.2.1")
        assert caught.value.code == "invalid_code"
    with pytest.raises(AccountError):
        await house.accounts.verify_code("ada@example.com", code, source="198.51.100.1")
    for _ in range(5):
        with pytest.raises(AccountError) as caught:
            await house.accounts.verify_code("nobody@example.com", wrong, source="192.0.2.1")
        assert caught.value.code == "invalid_code"
    with pytest.raises(AccountError) as caught:
        await house.accounts.verify_code("grace@example.com", wrong, source="192.0.2.1")
    assert caught.value.status == 429


async def test_a_new_letter_makes_the_one_before_void(house: House) -> None:
    """One link at a time, and none after its day."""
    await house.sign_up("ada@example.com")
    first = (await house.letters())[0]
    await house.accounts.ask_verification("ada@example.com", source="192.0.2.1", language="fr")
    second = (await house.letters())[-1]
    assert "Bonjour" in second.body
    with pytest.raises(AccountError):
        await house.accounts.verify_link(_token(first.body, "verify"))
    house.now += DAY_S
    with pytest.raises(AccountError):
        await house.accounts.verify_link(_token(second.body, "verify"))


async def test_asking_costs_the_same_whether_or_not_anybody_has_the_address(house: House) -> None:
    """A letter waits in either case; only the postman finds out that there is nobody."""
    await house.sign_up("ada@example.com")
    await house.letters()
    for email in ("ada@example.com", "nobody@example.com"):
        async with house.database.session() as session:
            before = await session.scalar(select(func.count()).select_from(LetterRow))
        await house.accounts.ask_reset(email, source="192.0.2.1", language="en")
        async with house.database.session() as session:
            assert await session.scalar(select(func.count()).select_from(LetterRow)) == (before or 0) + 1
            assert (
                await session.scalar(
                    select(func.count()).select_from(LinkRow).where(LinkRow.purpose == "reset")
                )
                == 0
            )
    states = {each.email: each.state for each in await house.letters("reset")}
    assert states == {"ada@example.com": "kept", "nobody@example.com": "void"}


async def test_a_new_password_ends_every_session_and_tells_the_owner(house: House) -> None:
    """By a link that works once; a bad password does not use it up. Keys stay where the address was confirmed."""
    await house.sign_up("ada@example.com")
    await house.accounts.verify_link(_token((await house.letters())[0].body, "verify"))
    grant = await house.log_in("ada@example.com")
    key = await house.accounts.create_key(grant.account.id, "laptop")
    await house.accounts.ask_reset("ADA@example.com", source="192.0.2.1", language="en")
    token = _token((await house.letters("reset"))[0].body, "reset")
    with pytest.raises(AccountError) as caught:
        await house.accounts.reset_password(token, "password123456", source="192.0.2.1")
    assert caught.value.code == "common_password"
    await house.accounts.reset_password(token, "four loud bitterns", source="192.0.2.1")
    with pytest.raises(AccountError) as caught:
        await house.accounts.reset_password(token, "five loud bitterns", source="192.0.2.1")
    assert (caught.value.status, caught.value.code) == (403, "link_invalid")
    assert await house.accounts.session_account(grant.token) is None
    assert house.notebook.cuts
    assert [each.id for each in await house.accounts.list_keys(grant.account.id)] == [key.id]
    assert len(await house.letters("changed")) == 1
    with pytest.raises(AccountError):
        await house.log_in("ada@example.com")
    await house.log_in("ada@example.com", password="four loud bitterns")


async def test_who_took_somebodys_address_loses_it_to_its_owner(house: House) -> None:
    """The owner's new password ends the keys too, since nobody had confirmed the address."""
    squatter = await house.sign_up("ada@example.com")
    await house.accounts.create_key(squatter.id, "mine now")
    await house.accounts.ask_reset("ada@example.com", source="198.51.100.1", language="en")
    token = _token((await house.letters("reset"))[0].body, "reset")
    await house.accounts.reset_password(token, "four loud bitterns", source="198.51.100.1")
    assert await house.accounts.list_keys(squatter.id) == []
    assert (await house.log_in("ada@example.com", password="four loud bitterns")).account.verified


async def test_one_persons_mailbox_is_not_flooded_through_us(tmp_path: Path) -> None:
    """Five an hour to one person, however the address is written; who asks is told nothing."""
    async with account_house(tmp_path, replace(CHEAP, asks_per_source=1_000)) as house:
        for number in range(12):
            await house.accounts.ask_reset(
                f"a.da+{number}@gmail.com", source=f"198.51.{number}.1", language="en"
            )
        assert len(await house.letters()) == 5
        house.now += 3_601
        await house.accounts.ask_reset("ada@gmail.com", source="192.0.2.1", language="en")
        assert len(await house.letters()) == 6


async def test_one_source_and_all_together_are_capped(tmp_path: Path) -> None:
    """Dropped silently, but for the count of asks by one source, which says 429."""
    policy = replace(CHEAP, verification=Verification.OFF)
    async with account_house(tmp_path, policy, mail=MailPolicy(per_source=3, per_hour=6)) as house:
        for number in range(10):
            await house.sign_up(f"user{number}@example.com", source=f"10.1.0.{number}")
            await house.accounts.ask_reset(f"user{number}@example.com", source="192.0.2.1", language="en")
        assert len(await house.letters()) == 3
        with pytest.raises(AccountError) as caught:
            await house.accounts.ask_reset("one@example.com", source="192.0.2.1", language="en")
        assert caught.value.status == 429
        for number in range(10):
            await house.accounts.ask_reset(
                f"user{number}@example.com", source=f"10.0.0.{number}", language="en"
            )
        assert len(await house.letters()) == 6


async def test_letters_that_go_nowhere_keep_none_back_that_go_somewhere(tmp_path: Path) -> None:
    """One request a second from a few hundred addresses, for people whom nobody knows, used the hour's letters up."""
    async with account_house(tmp_path, mail=MailPolicy(per_hour=6)) as house:
        await house.sign_up("ada@example.com")
        for number in range(40):
            await house.accounts.ask_reset(
                f"nobody{number}@example.com", source=f"10.0.{number}.1", language="en"
            )
            await house.letters()
        await house.accounts.ask_reset("ada@example.com", source="192.0.2.1", language="en")
        assert [each.state for each in await house.letters("reset") if each.email == "ada@example.com"] == [
            "kept"
        ]


async def test_no_stranger_can_keep_back_what_somebody_must_be_told(tmp_path: Path) -> None:
    """Who took an account over, or is about to, asks for letters in its owner's name until the cap is reached: the owner is
    told of the leaked key and the new password all the same, and gets the letter that takes the account back."""
    async with account_house(tmp_path) as house:
        ada = await house.sign_up("ada@example.com")
        await house.accounts.verify_link(_token((await house.letters())[0].body, "verify"))
        key = await house.accounts.create_key(ada.id, "k")
        for number in range(12):
            source = f"10.0.{number}.1"
            await house.accounts.ask_verification("ada@example.com", source=source, language="en")
        await house.letters()
        assert await house.accounts.report_leaked([LeakedKey(key.key)], source="10.9.9.9") == 1
        await house.accounts.ask_reset("ada@example.com", source="192.0.2.1", language="en")
        (reset,) = await house.letters("reset")
        await house.accounts.reset_password(
            _token(reset.body, "reset"), "four loud bitterns", source="192.0.2.1"
        )
        told = [(each.kind, each.state) for each in await house.letters() if each.kind != "verify"]
        assert told == [("leaked", "kept"), ("reset", "kept"), ("changed", "kept")]


async def test_subscriptions_and_sign_ups_leave_a_forgotten_password_its_letter(tmp_path: Path) -> None:
    """Both write to whatever address a stranger names."""
    async with account_house(tmp_path, mail=MailPolicy(per_hour=20)) as house:
        async with house.database.session() as session:
            sent = [
                await leave(
                    session, house.accounts.mail_policy, kind, f"{kind.value}{number}@example.com", language="en",
                    source=f"10.{number}.0.1", now=house.now,
                )
                for kind in (LetterKind.SUBSCRIBE, LetterKind.VERIFY, LetterKind.RESET, LetterKind.CHANGED)
                for number in range(30)
            ]  # fmt: skip
        assert [sum(sent[start : start + 30]) for start in range(0, 120, 30)] == [5, 10, 5, 20]


async def test_letters_for_nobody_do_not_fill_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest stay, for the counts of their sources."""
    monkeypatch.setattr(outbox, "MOST_VOID", 5)
    async with account_house(tmp_path) as house:
        for number in range(12):
            await house.accounts.ask_reset(f"n{number}@example.com", source=f"10.0.{number}.1", language="en")
        assert {each.state for each in await house.letters()} == {"void"}
        await house.accounts.tidy()
        assert [each.email for each in await house.letters()] == [
            f"n{number}@example.com" for number in range(7, 12)
        ]


async def test_what_a_server_refuses_for_now_is_tried_again_and_for_good_given_up(house: House) -> None:
    """With growing pauses; a letter nobody takes for a day is failed, and says why."""
    away = Undeliverable("the SMTP server answered 451", final=False)
    carrier = house.accounts.carrier = Refusing(away, away, None)
    await house.sign_up("ada@example.com")
    assert (await house.letters())[0].state == "waiting"
    assert (await house.letters())[0].tries == 1
    house.now += 60
    assert (await house.letters())[0].tries == 2
    house.now += 119
    assert (await house.letters())[0].tries == 2
    house.now += 1
    assert (await house.letters())[0].state == "sent"
    assert len(carrier.sent) == 1
    house.accounts.carrier = Refusing(Undeliverable("the recipient was refused (550)", final=True))
    await house.sign_up("grace@example.com")
    last = (await house.letters())[-1]
    assert (last.state, last.error) == ("failed", "the recipient was refused (550)")


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ada@example.com\r\nBcc: all@example.com", "hello"),
        ("ada@example.com\nX: y", "hello"),
        ("ada@example.com, eve@example.com", "hello"),
        ("ada@example.com", "hello\r\nBcc: all@example.com"),
    ],
)
def test_no_header_can_be_smuggled_into_a_letter(to: str, subject: str) -> None:
    """Refused before a byte is sent."""
    with pytest.raises(ValueError, match=r"."):
        message_of(
            Letter(subject, "text"), to=to, sender="a@example.com", name="H", message_id="<1@x>", now=0.0
        )


def test_a_services_odd_name_stays_within_its_header() -> None:
    """Quoted or encoded, never a second address."""
    letter = compose(LetterKind.KNOWN, "en", name='Eve" <eve@example.com>, "', page="https://x")
    message = message_of(letter, to="ada@example.com", sender="a@example.com", name='Eve" <eve@x.example>, "', message_id="<1@x>", now=0.0)  # fmt: skip
    raw = message.as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    assert [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"][:3] == [b"From", b"To", b"Subject"]  # fmt: skip
    assert len(message["from"].addresses) == 1
    assert message["from"].addresses[0].addr_spec == "a@example.com"


def test_every_letter_is_written_in_both_languages() -> None:
    """With the same blanks to fill."""
    values = {"name": "Heron", "link": "L", "code": "C", "page": "P", "hours": 2, "keys": "K"}
    for kind in LetterKind:
        english, french = (compose(kind, language, **values) for language in ("en", "fr"))
        assert english.body != french.body
        for blank in ("L\n", "    C", "P"):
            assert (blank in english.body) == (blank in french.body), kind
        assert compose(kind, "de", **values) == english
        assert PASSWORD not in repr(english)
