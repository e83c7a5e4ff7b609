"""An investigation of evidence whose truth is known: who was hostile, who gave way, what it cost, who was hit."""

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from evidence_house import NOON, House, accusation, act

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture
from pontlevis.evidence.rows import decision_note, finding_note, posture_note
from pontlevis.evidence.store_policy import EvidencePolicy
from pontlevis.investigation.agents import contradiction
from pontlevis.investigation.exports import CannotExport, block_list, misp, stix
from pontlevis.investigation.investigate import Matter, investigate
from pontlevis.investigation.no_answer import NoEvidence
from pontlevis.investigation.page import page
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.result import Investigation
from pontlevis.investigation.tools import KNOWN, tool_of
from pontlevis.investigation.touched import touched_accounts
from surroundings import PATIENCE_S

ATTACK = NOON + 30 * 60
CURL = next(number for number, tool in KNOWN.items() if tool == "curl")
GUESSERS = 66


def people(at: float, chance: random.Random) -> list[Observation]:
    """Thirty existing users with one library, each from home."""
    return [
        act(at + chance.random(), Kind.REQUEST, Outcome.OK, f"203.0.113.{user}", 11, f"good{user}", standing=3, credential=f"k{user}", tokens=500)
        for user in range(30)
    ]  # fmt: skip


def attack(at: float, chance: random.Random) -> list[Observation]:
    """Guessers behind changing proxies, and a botnet of curl that is turned away."""
    guesses = [
        act(at + chance.random(), source=f"198.51.{chance.randrange(40)}.{chance.randrange(250)}", fingerprint=GUESSERS, account=f"good{chance.randrange(200)}", agent="Firefox 133 bare")
        for _ in range(200)
    ]  # fmt: skip
    flood = [
        act(at + chance.random(), Kind.REQUEST, Outcome.REFUSED, f"192.0.{chance.randrange(30)}.{chance.randrange(250)}", CURL, agent="curl 8" if number % 3 else "Chrome 131")
        for number in range(300)
    ]  # fmt: skip
    return guesses + flood


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """An hour: half of it calm, then an attack in which one account gives way and its key drains tokens."""
    made = House(tmp_path_factory.mktemp("case"), EvidencePolicy(batch_s=900, queue_s=10_000))
    chance = random.Random(1)
    for minute in range(60):
        at = NOON + minute * 60
        acts = people(at, chance)
        if at >= ATTACK and minute not in range(42, 50):
            acts += attack(at, chance)
            acts.append(act(at + 0.3, Kind.REQUEST, Outcome.REFUSED, "203.0.113.2", 11, "good2", standing=3))
        if minute == 40:
            acts.append(
                act(at + 0.5, outcome=Outcome.OK, source="198.51.3.9", fingerprint=GUESSERS, account="good7")
            )
            acts.append(act(at + 0.1, source="198.51.3.9", fingerprint=GUESSERS, account="good7"))
        if minute == 41:
            acts.append(act(at + 0.5, Kind.REQUEST, Outcome.OK, "198.51.3.9", GUESSERS, "good7", credential="k7", standing=3, tokens=9_000, count=1))  # fmt: skip
            acts += [act(at + 0.6, source="198.51.3.9", fingerprint=GUESSERS, account="good9", count=20)]
        if minute == 31:
            made.keeper.note(finding_note(accusation(at, "198.51.3.9", fingerprints=(GUESSERS,))))
            flooded = msgspec.structs.replace(accusation(at, fingerprints=(CURL,)), id="rotating_flood:1", detector=DetectorName.ROTATING_FLOOD)  # fmt: skip
            made.keeper.note(finding_note(flooded))
            made.keeper.note(
                posture_note(
                    at + 1, PostureState(Posture.UNDER_ATTACK), reason="Many guess.", actor="posture"
                )
            )
            made.keeper.note(decision_note(at + 2, number=1, scope="address", value="198.51.3.9", reason="guesses", origin="detection", expires_at=at + 60, lifted=False))  # fmt: skip
        made.batch(acts)
    made.close()
    return made


@pytest.fixture(scope="module")
def made(house: House) -> Investigation:
    policy = InvestigationPolicy(price_per_million_tokens=2.0)
    return investigate(house.folder, Matter("the case", ATTACK - 60, house.now), policy)


def test_the_attackers_are_told_from_the_people(made: Investigation) -> None:
    """Two hostile clusters by behaviour and software; everybody who was there before is known good."""
    hostile = {each.id: each for each in made.hostile}
    assert set(hostile) == {f"guessing-{GUESSERS:08x}", f"flood-{CURL:08x}"}
    guessers = hostile[f"guessing-{GUESSERS:08x}"]
    assert guessers.confidence > 0.9
    assert guessers.guesses > 4_000
    assert any("finding" in sign for sign in guessers.signs)
    assert any("were not seen in the time before" in sign for sign in guessers.signs)
    assert hostile[f"flood-{CURL:08x}"].tools == ["curl 8"]
    (known,) = [each for each in made.clusters if each.behaviour == "known"]
    assert (known.sources, known.hostile) == (30, False)


def test_a_script_behind_a_browsers_name_is_told_with_its_counts(made: Investigation) -> None:
    """By the order of its headers where that is known, else by what no browser leaves out; what nothing speaks against is a name."""
    names = {each.id: {one.name: one for one in each.agents} for each in made.hostile}
    flood, guessers = names[f"flood-{CURL:08x}"], names[f"guessing-{GUESSERS:08x}"]
    assert flood["curl 8"].contradiction == ""
    assert (flood["Chrome 131"].contradiction, flood["Chrome 131"].sends_like) == ("order", "curl")
    assert flood["curl 8"].acts == pytest.approx(2 * flood["Chrome 131"].acts, rel=0.1)
    assert guessers["Firefox 133"].contradiction == "bare"
    told = [
        each for each in made.statements if "Chrome 131, which sends its headers as curl does" in each.text
    ]
    assert [each.kind for each in told] == ["inference"]
    assert "Chrome 131, which sends its headers as curl does" in page(made)


@pytest.mark.parametrize(
    ("agent", "order", "doubted"),
    [
        ("Chrome 131", "Python Requests", True),
        ("Chrome 131", "Chromium", False),
        ("Edge 131", "Chromium", False),
        ("Firefox 133", "Chromium", True),
        ("Firefox 133", "", False),
        ("Safari 17 bare", "", True),
        ("HeadlessChrome 131", "", False),
        ("python-requests 2", "Python Requests", False),
        ("curl 8", "Python Requests", False),
        ("none", "curl", False),
    ],
)
def test_only_a_browsers_name_is_doubted(agent: str, order: str, doubted: bool) -> None:
    """A program with a name of its own may be written with any library."""
    assert bool(contradiction(agent, order)) is doubted


def test_who_gave_way_and_what_was_drained(made: Investigation, house: House) -> None:
    """The same list serves a response; tokens have their price; the key is named."""
    assert [each.account_id for each in made.touched] == ["good7"]
    assert "a log-in succeeded from 198.51.3.9" in made.touched[0].why
    assert made.touched[0].at == pytest.approx(NOON + 40 * 60 + 0.5, abs=0.01)
    assert touched_accounts(house.folder, ATTACK - 60, house.now) == made.touched
    assert [(each.credential, each.account, each.tokens) for each in made.keys] == [("k7", "good7", 9_000.0)]
    assert made.tokens_drained == 9_000
    assert made.cost == pytest.approx(0.018)
    assert made.attacked_accounts == 200
    assert made.attacked[0].tries >= made.attacked[-1].tries


def test_honest_users_hit_are_named(made: Investigation) -> None:
    """Turned away although known good, with how often they were served all the same."""
    assert made.honest_hit == 1
    assert made.honest[0].account == "good2"
    assert made.honest[0].refused == 22


def test_waves_have_a_beginning_and_an_end(made: Investigation) -> None:
    """The pause in the middle parts them."""
    assert made.waves
    assert all(not (NOON + 43 * 60 < each.since < NOON + 49 * 60) for each in made.waves)
    assert sum(each.acts for each in made.waves) == pytest.approx(sum(made.series.hostile), rel=0.05)


def test_every_sentence_says_what_it_is(made: Investigation) -> None:
    """That somebody is hostile is an inference; whose networks these are is unknown without files of networks."""
    kinds = {kind: " ".join(each.text for each in made.statements if each.kind == kind) for kind in ("fact", "inference", "unknown")}  # fmt: skip
    assert "hostile with confidence" in kinds["inference"]
    assert "1 account gave way" in kinds["inference"]
    assert "200 accounts were tried" in kinds["fact"]
    assert "Whose networks" in kinds["unknown"]
    assert "people behind" in kinds["unknown"]


def test_the_page_stands_alone_and_trusts_no_word_of_a_client(made: Investigation) -> None:
    """No address is fetched, and what attackers wrote is text."""
    text = page(msgspec.structs.replace(made, subject="<script>alert(1)</script>"))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert 'src="http' not in text
    assert "<svg" in text
    assert "good7" in text


def test_stix_misp_and_block_list_agree_and_name_no_user(made: Investigation) -> None:
    """An existing parser reads the STIX; the same investigation exports the same bytes."""
    import stix2

    text = stix(made, producer="Heron", at=made.until)
    assert stix(made, producer="Heron", at=made.until) == text
    bundle = json.loads(text)
    indicators = [each for each in bundle["objects"] if each["type"] == "indicator"]
    ends = [each for each in bundle["objects"] if each["type"] != "indicator"]
    some = {**bundle, "objects": [*indicators[:20], *({**each, "object_refs": each["object_refs"][:20]} if "object_refs" in each else each for each in ends)]}  # fmt: skip
    read = stix2.parse(some, allow_custom=False).objects
    assert {each.type for each in read} == {"identity", "indicator", "grouping", "note", "software"}
    (curl,) = [each for each in read if each.type == "software"]
    assert curl.id == stix2.Software(name="curl", version="8").id, "the identifier is the standard's"
    assert any(
        "Chrome 131, which sends its headers as curl" in each.content for each in read if each.type == "note"
    )
    listed = list(csv.DictReader(block_list(made).splitlines()))
    event = json.loads(misp(made, producer="Heron", at=made.until))["Event"]
    addresses = [each for each in event["Attribute"] if each["type"] == "ip-src"]
    names = [each for each in event["Attribute"] if each["type"] != "ip-src"]
    assert {(each["type"], each["value"], each["to_ids"]) for each in names} == {("user-agent", name, False) for name in ("curl 8", "Chrome 131", "Firefox 133")}  # fmt: skip
    assert len(indicators) == len(listed) == len(addresses) == made.hostile_source_count
    assert {each["name"] for each in indicators} == {each["source"] for each in listed}
    assert {each["value"] for each in addresses} == {each["source"] for each in listed}
    for each in (text, block_list(made), json.dumps(event)):
        assert "good7" not in each
        assert "203.0.113." not in each
    with pytest.raises(CannotExport, match="pseudonyms"):
        block_list(msgspec.structs.replace(made, pseudonymised=True))


def test_a_time_without_evidence_is_an_error_in_words(house: House) -> None:
    """Not an empty investigation."""
    with pytest.raises(NoEvidence, match="no evidence of that time"):
        investigate(house.folder, Matter("", NOON - 9_000, NOON - 8_000), InvestigationPolicy())


def test_software_that_changes_its_headers_is_one_cluster(tmp_path: Path) -> None:
    """It still comes from the same places."""
    house = House(tmp_path)
    chance = random.Random(2)
    house.batch(
        [
            act(NOON + each / 1_000, source=f"198.51.{each % 8}.{chance.randrange(250)}", fingerprint=each % 5 + 1, account=f"v{each}")
            for each in range(800)
        ]
    )  # fmt: skip
    house.close()
    found = investigate(house.folder, Matter("", NOON - 1, house.now), InvestigationPolicy())
    assert [(each.behaviour, len(each.fingerprints)) for each in found.clusters] == [("guessing", 5)]


def test_tools_are_known_by_the_order_of_their_headers() -> None:
    """As a gateway counts it: what proxies add does not matter."""
    from pontlevis.gateway.source import fingerprint

    sent = [(b"host", b"x"), (b"user-agent", b"curl/8"), (b"accept", b"*/*"), (b"authorization", b"Bearer x")]
    assert tool_of(fingerprint(sent)) == "curl"
    assert tool_of(1) == ""


def test_the_command_answers_and_exports(house: House, tmp_path: Path) -> None:
    """On a copy of a data directory, by time; `evidence verify` and `show` beside it."""
    data = house.folder.parent

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "pontlevis", *words, "--data", str(data)], capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=tmp_path)  # fmt: skip

    done = run("investigate", "--since", "2025-01-28T12:29", "--until", "2025-01-28T13:01", "--json", "i.json", "--html", "i.html", "--csv", "b.csv", "--price", "2")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "touched good7" in done.stdout
    french = run(
        "investigate", "--since", "2025-01-28T12:29", "--until", "2025-01-28T13:01", "--language", "fr"
    )
    for said in ("touché good7 à", "Groupes", "ratés", "vague de", "12:30:00"):
        assert said in french.stdout, said
    never = run("investigate", "--since", "2020-01-01", "--until", "2020-01-02", "--language", "fr")
    assert (never.returncode, "aucune preuve de ce moment-là" in never.stderr) == (1, True)
    assert json.loads((tmp_path / "i.json").read_text())["touched"][0]["account_id"] == "good7"
    assert (tmp_path / "b.csv").read_text().startswith("source,confidence")
    verified = run("evidence", "verify", "--expect", f"{house.keeper.head.n}:{house.keeper.head.hash}")
    assert verified.returncode == 0, verified.stdout
    assert verified.stdout.startswith("It holds:")
    assert json.loads(run("evidence", "show", "--json").stdout)["head"].startswith(f"{house.keeper.head.n}:")
    assert run("evidence", "verify", "--expect", f"{house.keeper.head.n + 1}:{'0' * 64}").returncode == 1
