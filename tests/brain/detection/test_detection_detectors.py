"""Dialogues with detection: this arrives, that is said."""

from __future__ import annotations

import pytest
from detection_dialogue import T0, Dialogue

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

SIGNUP, LOGIN, REQUEST = Kind.SIGNUP, Kind.LOGIN, Kind.REQUEST
OK, BAD, UNKNOWN = Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER
SURGE, STUFFING = DetectorName.SIGNUP_SURGE, DetectorName.CREDENTIAL_STUFFING
FLOOD, DRAIN, IMPACT = DetectorName.ROTATING_FLOOD, DetectorName.TOKEN_DRAIN, DetectorName.IMPACT
NEW = Standing.NEW


def crowd(dialogue: Dialogue, second: int, people: int) -> None:
    """Honest sign-ups: twelve browsers of unequal share, large providers, fresh addresses."""
    for index in range(people):
        browser = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8][(second * people + index) % 12]
        domain = ["gmail.com", "gmail.com", "outlook.com", f"firm{second}-{index}.example"][index % 4]
        dialogue.see(SIGNUP, fingerprint=browser, domain=domain, account=f"c{second}-{index}")


# Credential stuffing


def test_failures_from_many_sources_to_unknown_users_are_stuffing() -> None:
    """One try a source: the share of failures and the accounts that do not exist tell."""
    dialogue = Dialogue()
    for second in range(4):
        for number in range(20):
            outcome = UNKNOWN if number % 2 else BAD
            dialogue.see(LOGIN, outcome, account=f"u{second}-{number}", fingerprint=number)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert finding.hostile
    assert finding.since == T0 + 2
    assert "Failures 100 % of 80 log-ins in 10 s from 80 sources (usual 12 %)" in finding.sentence
    assert "40 tried accounts that do not exist" in finding.sentence
    assert finding.figures["unknown_users"] == 40
    assert dialogue.judgements[-1].verdict is Verdict.ATTACK


def test_a_clusters_failures_are_stuffing_while_the_others_log_in() -> None:
    """Known users only, but all failures keep to two fingerprints."""
    dialogue = Dialogue()
    for second in range(5):
        for number in range(6):
            dialogue.see(LOGIN, BAD, account=f"u{second}-{number}", fingerprint=0xBAD + number % 2)
            dialogue.see(LOGIN, OK, account=f"p{number}", standing=NEW, fingerprint=number)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert finding.hostile
    assert set(finding.fingerprints) == {0xBAD, 0xBAE}
    assert "100 % fail in 2 fingerprints and 0 % elsewhere" in finding.sentence
    assert finding.sources


def test_usual_failures_say_nothing() -> None:
    """A tenth fails every day."""
    dialogue = Dialogue()
    for _ in range(60):
        for number in range(10):
            dialogue.see(LOGIN, BAD if number == 0 else OK, account=f"p{number}", fingerprint=number)
        assert dialogue.tick().findings == ()


def test_failures_of_familiar_sources_are_a_fault_of_ours() -> None:
    """Where people were served before, a wave of failures accuses nobody."""
    dialogue = Dialogue()
    for _ in range(15):
        dialogue.served(range(1, 60))
        dialogue.tick()
    for _ in range(10):
        for user in range(1, 30):
            dialogue.see(LOGIN, BAD, f"10.0.0.{user}", account=f"user{user}", fingerprint=0xC0 + user % 2)
        dialogue.tick()
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert not finding.hostile
    assert finding.sentence.endswith("a fault of ours.")
    assert dialogue.judgements[-1].verdict is Verdict.CALM
    assert not any(judgement.measures for judgement in dialogue.judgements)


def test_low_and_slow_stuffing_is_found_within_minutes_and_ends_with_the_attack() -> None:
    """One try every two seconds, a new source each: the long window sees it."""
    dialogue = Dialogue()
    for second in range(240):
        if second % 2:
            dialogue.see(
                LOGIN, UNKNOWN if second % 4 == 1 else BAD, account=f"u{second}", fingerprint=second % 9
            )
        if second % 5 == 0:
            dialogue.see(LOGIN, OK, "10.0.0.1", account="user1", standing=Standing.ESTABLISHED)
        dialogue.tick()
    first = next(each.at for each in dialogue.judgements if each.hostile)
    assert first - T0 <= 150
    assert dialogue.quiet(60).findings == ()


# Rotating flood


def flood(
    dialogue: Dialogue, seconds: int, *, outcome: Outcome = BAD, each: int = 12, prints: int = 2
) -> None:
    for _ in range(seconds):
        for number in range(each):
            dialogue.see(REQUEST, outcome, fingerprint=0xBAD + number % prints)
        dialogue.tick()


def test_made_up_keys_from_rotating_addresses_are_a_flood() -> None:
    """Few fingerprints, hundreds of strangers, keys that were never issued."""
    dialogue = Dialogue()
    flood(dialogue, 6)
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.hostile
    assert finding.since <= T0 + 5
    assert "72 calls turned away in 10 s from 72 unfamiliar sources (usual 10 and 5)" in finding.sentence
    assert "100 % of strangers' calls bring made-up keys" in finding.sentence
    assert "2 fingerprints share 100 % of the calls" in finding.sentence


def test_calls_without_a_key_are_a_flood_too_where_one_is_needed() -> None:
    """The gateway calls them malformed where it serves nobody without a key."""
    dialogue = Dialogue()
    flood(dialogue, 6, outcome=Outcome.INVALID)
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.hostile


def test_refused_calls_accuse_nobody_where_calls_without_a_key_are_served() -> None:
    """A crowd that meets the limit of the anonymous quota is turned away, and that is all."""
    dialogue = Dialogue()
    for _ in range(8):
        for number in range(12):
            source = dialogue.fresh()
            account = f"anon:{source}"
            dialogue.see(REQUEST, OK, source, fingerprint=number, account=account, tokens=200)
            dialogue.see(REQUEST, Outcome.REFUSED, source, fingerprint=number, account=account)
        judgement = dialogue.tick()
        assert not judgement.hostile


def test_a_client_with_a_wrong_key_is_no_flood() -> None:
    """One source that insists is one source."""
    dialogue = Dialogue()
    for _ in range(20):
        dialogue.see(REQUEST, BAD, "203.0.113.5", count=30)
        assert not dialogue.tick().hostile


def test_a_flood_that_is_banned_and_goes_on_is_still_there_and_over_when_it_stops() -> None:
    """Turned away at the door, it is no less an attack; the finding ends seconds after it does."""
    dialogue = Dialogue()
    sources = [dialogue.fresh() for _ in range(60)]
    for second in range(60):
        banned = {measure.value for each in dialogue.judgements for measure in each.measures}
        for source in sources:
            outcome = Outcome.REFUSED if source in banned else BAD
            dialogue.see(REQUEST, outcome, source, fingerprint=0xBAD, count=2)
        judgement = dialogue.tick()
        assert judgement.hostile or second < 2
    assert len(banned) == 60
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.at == dialogue.now
    assert "they go on" in finding.sentence
    assert dialogue.quiet(16).findings == ()


# Sign-ups


def test_a_crowd_of_sign_ups_is_a_crowd() -> None:
    """Fifty times the usual, as diverse as people: said, and not held against them."""
    dialogue = Dialogue()
    for second in range(60):
        crowd(dialogue, second, 10)
        judgement = dialogue.tick()
        assert not judgement.hostile
        assert judgement.measures == ()
    assert judgement.verdict is Verdict.CROWD
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.sentence.endswith("as diverse as people are: a crowd.")


def test_an_app_whose_users_all_look_alike_is_still_a_crowd() -> None:
    """One sign convicts nobody: the most downloaded app has one fingerprint a platform."""
    dialogue = Dialogue()
    for _ in range(60):
        for number in range(8):
            dialogue.see(SIGNUP, fingerprint=number % 2 + 1, domain="gmail.com")
        assert not dialogue.tick().hostile


def test_a_school_that_registers_at_once_is_one_house() -> None:
    """One prefix, one domain, one browser: a single explanation, a single sign."""
    dialogue = Dialogue()
    for second in range(40):
        for number in range(4):
            source = f"198.51.100.{(second * 4 + number) % 200}"
            dialogue.see(SIGNUP, source=source, fingerprint=7, domain="school.example")
        assert not dialogue.tick().hostile
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert "one house would explain that" in finding.sentence


def test_bots_with_few_fingerprints_and_few_domains_are_accused() -> None:
    """Alike in two independent ways, from scattered prefixes."""
    dialogue = Dialogue()
    for second in range(6):
        for number in range(8):
            source = f"{45 + number}.{second}.9.1"
            dialogue.see(SIGNUP, source=source, fingerprint=0xBAD + number % 2, domain="drop.example")
        dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.hostile
    assert finding.since <= T0 + 5
    assert set(finding.fingerprints) == {0xBAD, 0xBAE}
    assert "at drop.example" in finding.sentence


def test_bots_within_a_crowd_are_peeled_off() -> None:
    """The crowd remains a crowd; the cluster with its own domain and malformed forms is named."""
    dialogue = Dialogue()
    for second in range(12):
        crowd(dialogue, second, 8)
        for number in range(3):
            outcome = OK if number == 0 and second % 2 else Outcome.INVALID
            dialogue.see(
                SIGNUP,
                outcome,
                source=f"{45 + number}.{second}.9.1",
                fingerprint=0xBAD,
                domain="drop.example",
            )
        judgement = dialogue.tick()
    assert judgement.verdict is Verdict.CROWD_AND_ATTACK
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.fingerprints == (0xBAD,)


# Tokens


def drain(
    dialogue: Dialogue, seconds: int, *, accounts: int, fingerprint: int = 0xBAD, wait: int = 0
) -> None:
    """Accounts made with one fingerprint, each asking for much and often."""
    names = [f"b{fingerprint}-{number}" for number in range(accounts)]
    sources = [dialogue.fresh() for _ in names]
    for name, source in zip(names, sources, strict=True):
        dialogue.see(SIGNUP, source=source, fingerprint=fingerprint, domain="gmail.com", account=name)
    for _ in range(wait):
        dialogue.tick()
    for _ in range(seconds):
        for name, source in zip(names, sources, strict=True):
            dialogue.see(
                REQUEST, source=source, account=name, standing=NEW, tokens=2000, fingerprint=fingerprint
            )
        dialogue.served(range(1, 5))
        dialogue.tick()


def test_accounts_used_up_at_once_are_a_drain_and_are_measured_as_accounts() -> None:
    """Greedy within seconds of their sign-up: each is named, nobody's address is."""
    dialogue = Dialogue()
    drain(dialogue, 8, accounts=30)
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert finding.since <= T0 + 5
    assert "30 of 30 young accounts are greedy at once" in finding.sentence
    dialogue.quiet(1)
    drain_again = [measure for judgement in dialogue.judgements for measure in judgement.measures]
    assert all(measure.scope == "account" for measure in drain_again)


def test_a_drain_is_known_by_its_sign_ups_while_others_chat() -> None:
    """Used later than at once, but all of one sign-up cluster, while other newcomers use it as people do."""
    dialogue = Dialogue()
    for number in range(20):
        dialogue.see(
            SIGNUP,
            source=f"60.1.{number}.1",
            fingerprint=number % 9,
            domain="gmail.com",
            account=f"p{number}",
        )
    names = [f"b{number}" for number in range(20)]
    for number, name in enumerate(names):
        dialogue.see(SIGNUP, source=f"61.1.{number}.1", fingerprint=0xBAD, domain="gmail.com", account=name)
    dialogue.quiet(40)
    for second in range(10):
        for number, name in enumerate(names):
            dialogue.see(REQUEST, source=f"61.1.{number}.1", account=name, standing=NEW, tokens=2000)
        for number in range(second % 2, 20, 2):
            dialogue.see(REQUEST, source=f"60.1.{number}.1", account=f"p{number}", standing=NEW, tokens=150)
        dialogue.tick()
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert finding.fingerprints == (0xBAD,)
    assert "few of the others are greedy" in finding.sentence


def test_newcomers_who_take_most_tokens_together_are_a_crowd() -> None:
    """A share is no accusation."""
    dialogue = Dialogue()
    for second in range(40):
        crowd(dialogue, second, 5)
        for number in range(40):
            if (second + number) % 12 == 0:
                dialogue.see(
                    REQUEST, source=f"60.1.{number}.1", account=f"p{number}", standing=NEW, tokens=900
                )
        dialogue.served([second % 50 + 1])
        assert not dialogue.tick().hostile


def test_heavy_calls_without_an_account_by_few_fingerprints_are_a_drain() -> None:
    """Where calls without a key are served, they may not take what they like."""
    dialogue = Dialogue()
    for second in range(20):
        dialogue.served(range(second % 40, second % 40 + 4))
        dialogue.tick()
    for _ in range(10):
        for _ in range(10):
            source = dialogue.fresh()
            dialogue.see(REQUEST, source=source, account=f"anon:{source}", tokens=4000, fingerprint=0xBAD)
        dialogue.served(range(1, 5))
        dialogue.tick()
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert "Calls without an account ask for 95 % of tokens" in finding.sentence


# Impact


def test_waiting_existing_users_are_impact_and_accuse_nobody() -> None:
    """Three seconds of five beyond the objective."""
    dialogue = Dialogue()
    for _ in range(3):
        dialogue.sample(wait_p99_s=3.0, ttft_p99_s=0.5)
        dialogue.tick()
    finding = dialogue.said(IMPACT)
    assert finding is not None
    assert not finding.hostile
    assert "they wait 3 s in the queue (objective 1 s)" in finding.sentence
    assert dialogue.judgements[-1].verdict is Verdict.OVERLOAD


def test_one_slow_second_is_a_hiccup() -> None:
    """The median of five seconds decides."""
    dialogue = Dialogue()
    for second in range(10):
        dialogue.sample(wait_p99_s=9.0 if second == 5 else 0.01, ttft_p99_s=0.4)
        assert dialogue.tick().findings == ()


def test_refused_and_failed_calls_are_impact() -> None:
    """Existing users are to be served."""
    dialogue = Dialogue()
    for _ in range(4):
        dialogue.sample(arrived=20, refused=5, failed=4, wait_p99_s=0.01, ttft_p99_s=0.3)
        dialogue.tick()
    finding = dialogue.said(IMPACT)
    assert finding is not None
    assert "calls failed" in finding.sentence
    assert "calls were refused" in finding.sentence


def test_a_service_that_is_always_slow_is_measured_against_itself() -> None:
    """An engine whose first token takes five seconds every day is no emergency."""
    dialogue = Dialogue(DetectionPolicy(ttft_objective_s=10.0))
    for _ in range(60):
        dialogue.sample(wait_p99_s=0.01, ttft_p99_s=8.0)
        dialogue.tick()
    for _ in range(10):
        dialogue.sample(wait_p99_s=0.01, ttft_p99_s=14.0)
        assert dialogue.tick().findings == ()


# The whole


def test_a_finding_keeps_its_name_while_it_goes_on_and_its_time_tells_when_it_was_confirmed() -> None:
    """One attack, one identifier."""
    dialogue = Dialogue()
    flood(dialogue, 20)
    ids = {each.id for judgement in dialogue.judgements for each in judgement.findings if each.hostile}
    assert len(ids) == 1
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.at == dialogue.now
    assert finding.id == f"rotating_flood:{finding.since:.0f}"


def test_detection_that_is_switched_off_is_always_calm() -> None:
    """Nothing is counted, nothing is said."""
    dialogue = Dialogue(DetectionPolicy(enabled=False))
    flood(dialogue, 10)
    assert {each.verdict for each in dialogue.judgements} == {Verdict.CALM}
    assert not any(each.findings or each.measures for each in dialogue.judgements)


def test_a_detector_that_is_switched_off_says_nothing() -> None:
    """Each alone can be silenced."""
    dialogue = Dialogue(DetectionPolicy(detectors_off=("rotating_flood",)))
    flood(dialogue, 10)
    assert dialogue.said(FLOOD) is None


def test_an_unknown_detector_cannot_be_switched_off() -> None:
    """A typing error in the settings is told."""
    with pytest.raises(ValueError, match="floods"):
        DetectionPolicy(detectors_off=("floods",))


def test_an_attack_teaches_nothing() -> None:
    """What is usual after an hour of attack under a posture is what was usual before."""
    dialogue = Dialogue()
    dialogue.posture = Posture.UNDER_ATTACK
    flood(dialogue, 120)
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.figures["usual_turned_away"] == 10


def test_the_rise_of_an_attack_teaches_nothing_either() -> None:
    """The seconds before the first finding are not learned: half a minute must pass first."""
    dialogue = Dialogue()
    for second in range(40):
        for number in range(1 + second // 10):
            dialogue.see(SIGNUP, fingerprint=number, domain="gmail.com")
        dialogue.tick()
    for second in range(5):
        crowd(dialogue, second, 20)
        dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.figures["usual_signups"] <= 20


def test_observations_from_a_wrong_clock_do_not_wipe_the_windows() -> None:
    """A worker a year ahead counts as now; one behind as well."""
    dialogue = Dialogue()
    flood(dialogue, 6)
    now = dialogue.now
    dialogue.now = now + 31_536_000
    dialogue.see(REQUEST, BAD, fingerprint=0xBAD)
    dialogue.now = now - 31_536_000
    dialogue.see(REQUEST, BAD, fingerprint=0xBAD)
    dialogue.now = now
    finding = dialogue.said(FLOOD)
    assert dialogue.tick().hostile
    assert finding is not None


def test_merged_observations_without_a_source_are_counted_and_name_nobody() -> None:
    """A gateway whose batch was full sends sums."""
    dialogue = Dialogue()
    flood(dialogue, 6)
    for kind in (REQUEST, LOGIN, SIGNUP, Kind.PAGE):
        for outcome in Outcome:
            for standing in Standing:
                dialogue.detection.observe(
                    Observation(dialogue.now, kind, outcome, "", 0, "", standing.value, "", 500, 1000)
                )
    judgement = dialogue.tick()
    assert all(measure.value for measure in judgement.measures)


# Challenges, and whoever does not slow down


def challenged(dialogue: Dialogue, second: int, *, bots: int, people: int, wrong: int = 0) -> None:
    """So many are asked for a challenge; people solve it five seconds later."""
    for index in range(bots):
        outcome = Outcome.CHALLENGE_FAILED if index < wrong else Outcome.CHALLENGED
        dialogue.see(SIGNUP, outcome, fingerprint=0xBAD)
    for index in range(people):
        browser = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8][(second * people + index) % 12]
        dialogue.see(SIGNUP, Outcome.CHALLENGED, fingerprint=browser)
        if second >= 5 and (second + index) % 5:
            dialogue.see(SIGNUP, fingerprint=browser, domain="gmail.com", account=f"p{second}-{index}")


def test_challenges_that_a_client_ignores_or_fails_are_a_sign_against_it() -> None:
    """With the likeness of their client it is the second."""
    dialogue = Dialogue()
    for second in range(40):
        challenged(dialogue, second, bots=6, people=0, wrong=2)
        dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.hostile
    assert "186 were asked for a challenge and 0 solved it (80 solutions were wrong)" in finding.sentence


def test_a_crowd_that_solves_its_challenges_is_a_crowd() -> None:
    """Each is counted twice, once asked and once let in; one in five gives up."""
    dialogue = Dialogue()
    for second in range(60):
        challenged(dialogue, second, bots=0, people=8)
        assert not dialogue.tick().hostile


def insist(dialogue: Dialogue, *, pace: int, seconds: int = 20) -> None:
    """Thirty young accounts of many clients, made well before, of which every call is turned away."""
    for number in range(30):
        dialogue.see(
            SIGNUP,
            source=f"77.1.{number}.1",
            fingerprint=number % 9,
            domain="gmail.com",
            account=f"y{number}",
        )
    dialogue.quiet(20)
    for second in range(seconds):
        for number in range(30):
            if (second + number) % 4 and pace == 1:
                continue
            outcome = Outcome.REFUSED if second > 3 else OK
            dialogue.see(
                REQUEST, outcome, f"77.1.{number}.1", account=f"y{number}", standing=NEW, tokens=900 * pace,
                fingerprint=number % 9, count=pace,
            )  # fmt: skip
        dialogue.tick()


def test_young_accounts_that_do_not_slow_down_when_turned_away_insist() -> None:
    """Ten tries in ten seconds each, refused or not: the second sign beside their greed."""
    dialogue = Dialogue()
    insist(dialogue, pace=3)
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert "that were turned away ask" in finding.sentence


def test_young_accounts_that_wait_before_they_try_again_do_not_insist() -> None:
    """Turned away, a person waits some seconds."""
    dialogue = Dialogue()
    insist(dialogue, pace=1)
    assert not any(judgement.hostile for judgement in dialogue.judgements)


def test_a_client_that_ignores_challenges_is_told_from_a_crowd_that_solves_them() -> None:
    """Both at once: the crowd is none the worse for it."""
    dialogue = Dialogue()
    for second in range(40):
        challenged(dialogue, second, bots=3, people=8)
        judgement = dialogue.tick()
    finding = dialogue.said(SURGE)
    assert finding is not None
    assert finding.hostile
    assert finding.fingerprints == (0xBAD,)
    assert judgement.verdict is Verdict.CROWD_AND_ATTACK
