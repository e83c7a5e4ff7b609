"""An operator's word on registration, laid over the posture for a time."""

from hypothesis import given
from hypothesis import strategies as st

from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.registration_order import RegistrationOrder, with_order
from pontlevis.brain.vocabulary import Posture, RegistrationMode

NOW = 1_738_000_000.0
states = st.builds(
    PostureState,
    posture=st.sampled_from(Posture),
    registration=st.sampled_from(RegistrationMode),
    registration_share=st.floats(0, 1),
    next_stage_at=st.none() | st.floats(NOW, NOW + 1_000),
)
modes = st.sampled_from(RegistrationMode)


@given(states, modes, st.integers(-100, 100))
def test_an_order_counts_in_both_directions_until_its_time_is_over(
    state: PostureState, mode: RegistrationMode, left_s: int
) -> None:
    """Under attack it opens as it closes in calm; afterwards nothing of it is left, and posture is never touched."""
    order = RegistrationOrder(mode, "spam wave", "op@example.com", NOW - 60, NOW + left_s)
    seen = with_order(state, order, NOW)
    assert seen.posture is state.posture
    if left_s <= 0:
        assert seen == state
        return
    assert seen.registration is mode
    assert seen.registration_since == NOW - 60
    assert (seen.registration_share == 0.0) or mode is not RegistrationMode.SUSPENDED
    assert seen.next_stage_at is not None
    assert seen.next_stage_at <= order.until


@given(states)
def test_without_an_order_the_posture_decides(state: PostureState) -> None:
    """The very same."""
    assert with_order(state, None, NOW) is state


@given(states)
def test_a_waitlist_by_hand_lets_in_what_the_ramp_does_and_else_nobody(state: PostureState) -> None:
    """Outside recovery there is no ramp."""
    order = RegistrationOrder(RegistrationMode.WAITLIST, "r", "op", NOW, NOW + 60)
    share = with_order(state, order, NOW).registration_share
    assert share == (state.registration_share if state.posture is Posture.RECOVERING else 0.0)
