"""What an investigation and a report say in English and French: the same things, each in its own way of writing."""

import re
from pathlib import Path

import msgspec
import pytest

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.incidents.views import STATUSES
from pontlevis.investigation import document
from pontlevis.investigation.incident import IncidentFacts, Update
from pontlevis.investigation.page import page
from pontlevis.investigation.phrase import phrase
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.proposals import Change, Search, Trial
from pontlevis.investigation.report import Story, report, title
from pontlevis.investigation.result import Cluster, Hit, Investigation, Line, Series, Touched, Wave
from pontlevis.investigation.statements import statements
from pontlevis.investigation.tongue import LANGUAGES, Tongue, blanks_of, texts_of

NOON = 1_738_065_600.0
"""28 January 2025, 12:00 UTC."""
ENGLISH = "Calls <b>come</b> 22/s."


@pytest.fixture(scope="module")
def made() -> Investigation:
    """An attack in which one account was used and one user turned away."""
    cluster = Cluster(
        "guessing-0000000b", "guessing", "", 0.94, True, [], ["0000000b"], ["curl"], 1_234, 30, [(0, 1_234)], 0.0,
        56_789.0, 50_000.0, 0.0, 0.0, 0.0, NOON, NOON + 60, ["198.51.100.1"],
        phrase("who.guessing", sources=1_234), [phrase("sign.named", share=0.55, weight=0.62)],
    )  # fmt: skip
    lines = [
        Line(NOON + 2, "finding", "credential_stuffing", ENGLISH),
        Line(NOON + 3.5, "posture", "under_attack, registration suspended", f"{ENGLISH} (posture)"),
        Line(NOON + 4, "decision", "made", f"11 × account, by detection: {ENGLISH}"),
    ]
    found = Investigation(
        "the case", NOON - 60, NOON + 600, 9_000, 1_234_567.0, 3, True, True, [cluster], 0, [],
        [Wave(NOON, NOON + 30, 50_000.0, 1_700.5)], Series(NOON, 60.0, [1.0, 2.0], [1.0, 1.0]),
        [Touched("good7", "", NOON + 9, "login", "198.51.100.1", cluster.id)], 200, [], [], 9_000.0, 1_234.5, "EUR",
        1, [Hit("good2", 22.0, 400.0, NOON, NOON + 9)], {}, 1_234, lines,
    )  # fmt: skip
    return msgspec.structs.replace(found, statements=statements(found, earlier=False, reached=1))


@pytest.fixture(scope="module")
def story(made: Investigation) -> Story:
    trial = Trial((), NOON + 3, NOON + 5, None, 0, 10, 0)
    better = Trial((Change("detection", "flood_ratio", 3.0, 2.01),), NOON + 1, NOON + 2, NOON + 3, 0, 12, 0)
    search = Search(trial, [better], [better], 500, 3_600.0, 9_000, "the journal", [phrase("report.note_cut", count=9_000)])  # fmt: skip
    facts = IncidentFacts(
        "73dd2190e4cb5598", "Registrations limited", "resolved", "major", NOON + 3, NOON + 600, "", 12_345, 1, NOON,
        (Update(NOON + 4, "identified", "It is on.", "posture", True, "C'est en cours."),), "Inscriptions limitées",
    )  # fmt: skip
    verified = phrase("report.verified", files=7, rows=9_000, line=7)
    return Story("Heron", facts, made, search, [], InvestigationPolicy(), NOON + 700, verified)


def test_both_languages_have_the_same_texts_with_the_same_blanks() -> None:
    """Nothing is said in one of them only, and every figure of a sentence stands in both."""
    english, french = texts_of("en"), texts_of("fr")
    assert set(english) == set(french)
    for name, text in english.items():
        assert text.strip(), name
        assert set(blanks_of(text)) == set(blanks_of(french[name])), name


def test_every_text_that_the_code_asks_for_exists() -> None:
    """By name in the source, and those made from the program's own words."""
    texts = texts_of("en")
    room = Path(str(__import__("pontlevis.investigation").investigation.__file__)).parent
    asked = {
        name
        for file in room.glob("*.py")
        for name in re.findall(
            r'"((?:report|page|said|who|sign|touched|kinded)\.[a-z_]+)"', file.read_text("utf-8")
        )
    }
    assert len(asked) > 100
    assert asked - set(texts) == set()
    words = {"detector": DetectorName, "posture": Posture, "mode": RegistrationMode, "status": STATUSES}
    assert {f"{table}.{word}" for table, names in words.items() for word in names} - set(texts) == set()


def test_figures_are_written_as_each_language_writes_them() -> None:
    """Thousands, decimals, percent, the singular of what is less than two, the first of a month."""
    english, french = Tongue("en"), Tongue("fr")
    assert (english.number(1234567.5, 1), french.number(1234567.5, 1)) == (
        "1,234,567.5",
        "1\u202f234\u202f567,5",
    )
    assert (english.share(0.925, 1), french.share(0.925, 1)) == ("92.5%", "92,5\u00a0%")
    assert [Tongue(each)("who.log_ins", sources=0) for each in LANGUAGES] == [
        "0 sources that log in", "0 source qui se connecte",
    ]  # fmt: skip
    first_of_march = NOON + 32 * 86_400
    assert english.moment(first_of_march) == "1 March 2025, 12:00:00\u00a0UTC"
    assert french.moment(first_of_march) == "1er mars 2025 à 12:00:00\u00a0UTC"
    assert [french.length(each) for each in (3.25, 59.0, 310.0, 90_000.0)] == [
        "3,2\u00a0s", "59\u00a0s", "5\u00a0min 10\u00a0s", "1\u00a0j 1\u00a0h",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="'de' is not spoken here"):
        Tongue("de")


def test_a_report_answers_in_the_order_in_which_somebody_asks(story: Story) -> None:
    """The same parts in both languages; no blank and no name of a text is left in either."""
    for language in LANGUAGES:
        tongue = Tongue(language)
        blocks = report(story, tongue)
        heads = [each.text for each in blocks if isinstance(each, document.Heading)]
        assert heads == [
            title(story, tongue),
            *(
                tongue(f"report.{each}")
                for each in (
                    "short",
                    "affected",
                    "done",
                    "timeline",
                    "figures",
                    "pictures",
                    "who",
                    "unknown",
                    "owed",
                    "proposals",
                )
            ),
        ]
        text = document.markdown(blocks)
        assert not re.search(r"[{}]|\b(report|said|sign|who)\\?\.[a-z_]+", text)
        assert tongue.number(1_234_567) in text
        assert "guessing-0000000b" not in text


def test_what_the_brain_said_is_marked_as_english_in_a_french_report(story: Story) -> None:
    """It is quoted, not translated; the public's texts are those of the language, and nobody's words are markup."""
    french = document.html("x", report(story, Tongue("fr")), Tongue("fr"))
    assert '<html lang="fr">' in french
    assert "<td lang=en>Calls &lt;b&gt;come&lt;/b&gt; 22/s.</td>" in french
    assert "C&#x27;est en cours." in french
    english = document.html("x", report(story, Tongue("en")), Tongue("en"))
    assert "lang=en>" not in english
    assert "It is on." in english


def test_an_investigations_page_speaks_french(made: Investigation) -> None:
    """Statements from their structure, whole even in figures."""
    text = page(made, Tongue("fr"))
    assert "1\u202f234 sources qui essaient des mots de passe" in text
    assert "une connexion a abouti depuis 198.51.100.1" in text
    assert "1\u202f234,50 EUR" in text
    assert "sources that" not in text
