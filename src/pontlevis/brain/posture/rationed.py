"""What of strangers' log-ins and sign-ups a gateway rations in which posture."""

from pontlevis.brain.observation import Kind
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture


def rationed(state: PostureState, kind: Kind) -> bool:
    """Whether a stranger's log-in or sign-up is rationed now; whoever comes from a known place never is.

    In ``elevated`` only log-ins are, and only while a finding accuses them: a crowd is not rationed.
    """
    if state.posture is Posture.ELEVATED:
        return kind is Kind.LOGIN and state.logins_accused
    return state.posture in (Posture.UNDER_ATTACK, Posture.RECOVERING)
