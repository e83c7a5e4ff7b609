"""Dialogues about who takes the tokens."""

from __future__ import annotations

from detection_dialogue import Dialogue
from hypothesis import given, settings
from hypothesis import strategies as st

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.takers import KEPT, Takers
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Standing, Verdict

DETECTOR = DetectorName.HEAVY_HITTER


def neighbourhood(dialogue: Dialogue, seconds: int) -> None:
    """Forty existing users, two calls a second."""
    for second in range(seconds):
        dialogue.served([1 + second * 2 % 40, 1 + (second * 2 + 1) % 40])
        dialogue.tick()


def test_an_existing_users_own_heavy_use_is_reported_and_accuses_nobody() -> None:
    """A batch job takes most of the tokens of a service that has a history."""
    dialogue = Dialogue()
    neighbourhood(dialogue, 660)
    for second in range(60):
        dialogue.served([1 + second % 40])
        dialogue.see(
            Kind.REQUEST, source="10.0.0.3", account="user3", standing=Standing.ESTABLISHED, tokens=1500,
            fingerprint=0xC3,
        )  # fmt: skip
        judgement = dialogue.tick()
        assert not judgement.hostile
        assert judgement.verdict is Verdict.CALM
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert finding.local
    assert finding.sentence.startswith("Account user3 takes ")
    assert finding.sentence.endswith("existing users' own heavy use, which accuses nobody.")


def test_whoever_always_takes_most_is_no_news() -> None:
    """Its own history is what it is measured by."""
    dialogue = Dialogue()
    for second in range(1500):
        dialogue.served([1 + second % 40])
        if second % 2:
            dialogue.see(
                Kind.REQUEST, source="10.0.0.3", account="user3", standing=Standing.PAID, tokens=700,
                fingerprint=0xC3,
            )  # fmt: skip
        judgement = dialogue.tick()
        if second > 1400:
            assert judgement.findings == ()


def young(dialogue: Dialogue, second: int, *, accounts: int, tokens: int, prefix: str) -> None:
    number = second % accounts
    dialogue.see(
        Kind.REQUEST, source=f"{prefix}.{1 + number}", account=f"young{number}", standing=Standing.NEW,
        tokens=tokens, fingerprint=5,
    )  # fmt: skip


def test_a_prefix_of_young_accounts_each_greedier_than_a_person_is_accused() -> None:
    """Their number and their greed are two signs; their place alone is none."""
    dialogue = Dialogue()
    neighbourhood(dialogue, 660)
    for second in range(90):
        dialogue.served([1 + second % 40])
        for index in range(3):
            young(dialogue, 3 * second + index, accounts=12, tokens=2000, prefix="198.51.100")
        dialogue.tick()
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert finding.hostile
    assert "12 young accounts and hardly anybody else are behind it" in finding.sentence


def test_developers_who_share_a_library_are_not_accused() -> None:
    """New accounts from everywhere, each with a script: the library explains both their number and their greed."""
    dialogue = Dialogue()
    neighbourhood(dialogue, 660)
    for second in range(90):
        dialogue.served([1 + second % 40])
        for index in range(3):
            young(
                dialogue,
                3 * second + index,
                accounts=12,
                tokens=2000,
                prefix=f"198.{(3 * second + index) % 12}.7",
            )
        dialogue.tick()
    finding = dialogue.said(DETECTOR)
    assert finding is not None
    assert not finding.hostile
    assert "one library that scripts use would explain that" in finding.sentence


def test_a_class_in_one_room_is_not_accused() -> None:
    """Thirty new accounts from one prefix, at a person's pace."""
    dialogue = Dialogue()
    neighbourhood(dialogue, 660)
    for second in range(90):
        dialogue.served([1 + second % 40])
        young(dialogue, second, accounts=30, tokens=900, prefix="198.51.100")
        assert not dialogue.tick().hostile


def test_a_small_service_that_just_began_has_no_hitters() -> None:
    """Five users share it; each has a fifth."""
    dialogue = Dialogue()
    for second in range(900):
        dialogue.served([1 + second % 5])
        assert dialogue.tick().findings == ()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(100, 4000)), min_size=600, max_size=900),
    st.integers(0, 5),
)
def test_shares_of_the_sample_are_shares_of_the_tokens(calls: list[tuple[int, int]], account: int) -> None:
    """Within a few standard errors, in the second minute, whatever the sizes of the calls."""
    takers = Takers()
    for second in (0, 60):
        for index, (who, tokens) in enumerate(calls):
            at = second + index * 59 // len(calls)
            takers.left -= tokens
            if takers.left <= 0:
                takers.keep(
                    Observation(float(at), Kind.REQUEST, Outcome.OK, "s", account=f"a{who}", tokens=tokens),
                    at,
                )
            kept = takers.minute(at)
    whole = sum(tokens for _, tokens in calls)
    mine = sum(tokens for who, tokens in calls if who == account)
    sampled = sum(each.tokens for each in kept)
    mine_sampled = sum(each.tokens for each in kept if each.account == f"a{account}")
    assert abs(mine / whole - mine_sampled / sampled) < 0.12
    assert len(kept) <= KEPT
