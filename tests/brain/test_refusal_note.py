"""Ids of refusals: they open with the key, and only with it."""

from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.refusal_note import Cause, RefusalCodec, RefusalNote, explain
from pontlevis.brain.vocabulary import Posture, RefusalCode, Standing

CODEC = RefusalCodec(bytes(range(32)))
NUMBER = st.integers(0, 65_535)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(RefusalCode),
    st.sampled_from(Cause),
    st.sampled_from(Standing),
    st.sampled_from(Posture),
    NUMBER,
    NUMBER,
    NUMBER,
)
def test_what_is_sealed_is_what_is_opened(
    at: int,
    code: RefusalCode,
    cause: Cause,
    standing: Standing,
    posture: Posture,
    queued: int,
    in_flight: int,
    limit: int,
) -> None:
    """And it makes a sentence."""
    sealed = CODEC.seal(at, code, cause, standing, posture, queued, in_flight, limit).decode()
    note = CODEC.open(f" {sealed}\n")
    assert note == RefusalNote(at, code, cause, standing, posture, queued, in_flight, limit)
    assert posture.value in explain(note)


@given(st.text(max_size=80) | st.from_regex(r"ref_[A-Za-z0-9_-]{20,40}", fullmatch=True))
def test_what_is_not_ours_is_not_opened(text: str) -> None:
    """Whatever somebody pastes."""
    assert CODEC.open(text) is None


def test_a_changed_letter_or_another_key_opens_nothing() -> None:
    """So that the story cannot be made up."""
    sealed = CODEC.seal(1, RefusalCode.OVERLOADED, Cause.COHORT, Standing.NEW, Posture.NORMAL).decode()
    assert CODEC.open(sealed) is not None
    assert RefusalCodec(bytes(range(1, 33))).open(sealed) is None
    for at in range(4, len(sealed) - 1):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        assert CODEC.open(changed) is None


def test_the_same_refusal_twice_has_two_ids_that_tell_a_client_nothing() -> None:
    """Neither the queue nor the posture can be read off, or compared."""
    ids = {
        CODEC.seal(1, RefusalCode.OVERLOADED, Cause.QUEUE_FULL, Standing.NEW, Posture.NORMAL, 7, 8, 9)
        for _ in range(100)
    }
    assert len(ids) == 100
    assert len({each[4:8] for each in ids}) > 90


def test_several_that_seal_in_the_same_second_never_make_the_same_id() -> None:
    """Each has numbers of its own, also after they have come round."""
    made: set[bytes] = set()
    for number in range(3):
        codec = RefusalCodec(bytes(range(32)), number, 3)
        for _ in range(21_845):
            made.add(codec.seal(1, RefusalCode.OVERLOADED, Cause.COHORT, Standing.NEW, Posture.NORMAL))
    assert len(made) == 3 * 21_845
