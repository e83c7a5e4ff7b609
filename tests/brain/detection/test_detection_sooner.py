"""What tells within seconds: a handful of acts, where the crowd around them does not matter."""

from dataclasses import replace

from detection_dialogue import Dialogue

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

LOGIN, REQUEST, SIGNUP = Kind.LOGIN, Kind.REQUEST, Kind.SIGNUP
STUFFING, FLOOD, DRAIN = (
    DetectorName.CREDENTIAL_STUFFING,
    DetectorName.ROTATING_FLOOD,
    DetectorName.TOKEN_DRAIN,
)
BAD, UNKNOWN = Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER


def settled(seconds: int = 700) -> Dialogue:
    """A service with users, of whom it knows where they live and how much they ask for."""
    dialogue = Dialogue()
    for second in range(seconds):
        dialogue.served([1 + second % 40])
        dialogue.tick()
    return dialogue


# Guesses at accounts that exist and that do not, two a second


def guesses(dialogue: Dialogue, seconds: int, *, known: bool = True) -> None:
    for second in range(seconds):
        if known:
            dialogue.see(
                LOGIN, BAD, account=f"v{second}", standing=Standing.ESTABLISHED, fingerprint=3 * second
            )
        dialogue.see(LOGIN, UNKNOWN, account=f"name:{second}", fingerprint=3 * second + 1)
        dialogue.tick()


def test_eight_guesses_at_accounts_that_do_and_do_not_exist_tell() -> None:
    """In four seconds, where those at known accounts alone take ten."""
    dialogue = settled()
    guesses(dialogue, 6)
    finding = dialogue.said(STUFFING)
    assert finding is not None
    assert finding.hostile
    assert finding.since - dialogue.now >= -2


def test_newcomers_who_mistype_their_address_are_no_guessers() -> None:
    """However many they are: none of them tries an account that is somebody's."""
    dialogue = settled()
    guesses(dialogue, 9, known=False)
    assert not any(each.hostile for each in dialogue.judgements)


# Challenges at log-in


def challenged(dialogue: Dialogue, seconds: int, *, wrong: int, ignored: int, good: int) -> None:
    for second in range(seconds):
        for number in range(wrong):
            dialogue.see(LOGIN, UNKNOWN if number % 2 else BAD, account=f"w{second}-{number}")
        for number in range(ignored):
            dialogue.see(LOGIN, Outcome.CHALLENGED, account=f"i{second}-{number}")
        for number in range(good):
            dialogue.see(LOGIN, Outcome.OK, account=f"g{second}-{number}", standing=Standing.RECENT)
        dialogue.tick()


def test_challenges_that_nobody_solves_weigh_beside_wrong_passwords() -> None:
    """Twenty wrong passwords among twenty log-ins say little; with forty-five unsolved challenges they say enough."""
    alone, beside = Dialogue(), Dialogue()
    challenged(alone, 5, wrong=4, ignored=0, good=1)
    challenged(beside, 5, wrong=4, ignored=9, good=1)
    assert alone.said(STUFFING) is None
    finding = beside.said(STUFFING)
    assert finding is not None
    assert finding.hostile
    assert "45 more brought no solution of the challenge" in finding.sentence


def test_a_challenge_by_itself_accuses_nobody() -> None:
    """Everybody meets it: who leaves is not who guesses."""
    dialogue = Dialogue()
    challenged(dialogue, 30, wrong=0, ignored=10, good=2)
    assert not any(each.findings for each in dialogue.judgements)


def test_log_ins_challenges_are_no_sign_against_sign_ups() -> None:
    """A crowd signs up while guessers fail their challenges at another door."""
    dialogue = Dialogue()
    for second in range(30):
        for number in range(8):
            dialogue.see(
                SIGNUP, account=f"c{second}-{number}", fingerprint=second * 8 + number, domain="gmail.com"
            )
            dialogue.see(LOGIN, Outcome.CHALLENGE_FAILED, account=f"i{second}-{number}")
        dialogue.tick()
    assert dialogue.judgements[-1].verdict is Verdict.CROWD


# Keys that nobody tries twice


def test_a_minute_of_made_up_keys_that_nobody_tries_twice_is_a_flood() -> None:
    """Four a second, each from another place: below what ten seconds tell, and unlike any client's retries."""
    dialogue = settled()
    for second in range(50):
        for number in range(4):
            dialogue.see(REQUEST, BAD, fingerprint=17 * second + number)
        dialogue.tick()
    finding = dialogue.said(FLOOD)
    assert finding is not None
    assert finding.hostile
    assert "nobody tries again: 36 sources for 36 calls" in finding.sentence


# The first seconds of an account


def test_four_accounts_used_up_at_once_tell_where_bots_are_not_few() -> None:
    """Every other newcomer: a test that looks for a larger share needs fewer of them."""
    dialogue = settled()
    for number in range(8):
        source, account = f"100.64.0.{number}", f"n{number}"
        dialogue.see(SIGNUP, source=source, account=account, fingerprint=number)
        if number % 2:
            for _ in range(2):
                dialogue.see(
                    REQUEST, source=source, account=account, standing=Standing.NEW, tokens=2_500, fingerprint=number
                )  # fmt: skip
        dialogue.tick()
    finding = dialogue.said(DRAIN)
    assert finding is not None
    assert finding.hostile
    assert finding.figures["drained_at_once"] == 4


# At a first start


def keys_of_a_library(detection: Detection, now: float, *, without: int = 0) -> bool:
    """A library damages the keys of a hundred users, who back off; whether anybody is accused."""
    dialogue = Dialogue()
    accused = False
    for second in range(20):
        for number in range(100):
            if (second + number) % 4 == 0:
                dialogue.detection = detection
                dialogue.see(REQUEST, BAD, f"198.18.0.{number}", fingerprint=0xC0)
        for number in range(without):
            dialogue.see(REQUEST, Outcome.INVALID, f"198.18.1.{number}", fingerprint=0xC0)
        accused |= detection.tick(dialogue.now + 1, posture=Posture.NORMAL).hostile
        dialogue.now += 1
    return accused


def test_where_nobody_can_be_familiar_broken_keys_alone_accuse_nobody() -> None:
    """Just started, with nothing kept: a client library would look the same, unless keyless calls come with them."""
    young = DetectionPolicy()
    assert not keys_of_a_library(Detection(young), 0.0)
    assert keys_of_a_library(Detection(young), 0.0, without=5)
    assert keys_of_a_library(Detection(replace(young, young_s=0.0)), 0.0)


# A fault of ours


def test_while_log_ins_fail_for_everybody_nobody_is_named_for_failing() -> None:
    """Ten people behind a carrier's address meet our fault together; the address is not a guesser's."""
    dialogue = Dialogue()
    for _ in range(15):
        dialogue.served(range(1, 60))
        dialogue.tick()
    for second in range(10):
        for user in range(1, 30):
            dialogue.see(LOGIN, BAD, f"10.0.0.{user}", account=f"user{user}", fingerprint=0xC0 + user % 2)
        dialogue.see(LOGIN, BAD, "203.0.113.77", account=f"guest{second}", fingerprint=0xC0)
        dialogue.tick()
    assert not any(each.measures for each in dialogue.judgements)
    withheld = [told for each in dialogue.judgements for told in each.withheld]
    assert any("a fault of ours" in told.why for told in withheld)
