"""The table of what each posture does to whom, written from the code that does it."""

from pontlevis.brain.admission.bands import Band
from pontlevis.brain.admission.quotas import quotas
from pontlevis.brain.observation import Kind
from pontlevis.brain.posture.ladder import registration
from pontlevis.brain.posture.rationed import rationed
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, Standing
from pontlevis.config import Settings

BEGIN = "<!-- the ladder's table: written by `python3 tasks.py docs`"
END = "<!-- end of the ladder's table -->"


def ladder_table(settings: Settings | None = None) -> str:
    """Markdown: one row for each of whom or what, one column a posture."""
    held = settings or Settings()
    rows = [
        ("sign-up", _sign_up),
        ("strangers' sign-ups and log-ins, together", _strangers),
        ("log-in from a known place or device", _known),
        ("use without an account (where `anonymous` is on)", _anonymous),
        ("accounts under 24 h and others of standing `new`", _new),
        ("accounts of standing `recent`", _recent),
        ("existing users", _existing),
        ("answers under way", _under_way),
    ]
    lines = [
        "| | " + " | ".join(f"`{each.value}`" for each in Posture) + " |",
        "| --- " * (len(Posture) + 1) + "|",
    ]
    lines.extend(
        f"| {name} | " + " | ".join(cell(held, posture) for posture in Posture) + " |" for name, cell in rows
    )
    return "\n".join(lines) + "\n"


def with_table(page: str) -> str:
    """A page with the table between its marks renewed. Raises ValueError where the marks are missing."""
    begin, end = page.index("\n", page.index(BEGIN)) + 1, page.index(END)
    return page[:begin] + ladder_table() + page[end:]


def _sign_up(settings: Settings, posture: Posture) -> str:
    policy = settings.posture
    if posture is Posture.RECOVERING:
        return "; ".join(
            f"{mode.value}, {share:.0%} let through" if share < 1.0 else mode.value
            for mode, share in (registration(policy, posture, stage) for stage in range(len(policy.ramp)))
        )
    mode, _ = registration(policy, posture)
    if posture is Posture.ELEVATED:
        accused, _ = registration(policy, posture, accused=True)
        return f"{mode.value}; {accused.value} while a finding accuses the sign-ups"
    return mode.value


def _strangers(settings: Settings, posture: Posture) -> str:
    gateway = settings.gateway
    state = PostureState(posture=posture, logins_accused=True)
    kinds = [kind for kind in (Kind.SIGNUP, Kind.LOGIN) if rationed(state, kind)]
    if not kinds:
        return "not rationed"
    ration = f"{gateway.stranger_posts_per_s:g} a second, {gateway.stranger_posts_burst:g} at once"
    if kinds == [Kind.LOGIN]:
        return f"log-ins only, while a finding accuses them: {ration}"
    return ration


def _known(settings: Settings, posture: Posture) -> str:
    return "never rationed, first in the queue for password hashing"


def _anonymous(settings: Settings, posture: Posture) -> str:
    return _band(settings, posture, Band.ANONYMOUS, Standing.ANONYMOUS, "each source")


def _new(settings: Settings, posture: Posture) -> str:
    return _band(settings, posture, Band.NEW, Standing.NEW, "each account")


def _recent(settings: Settings, posture: Posture) -> str:
    return _band(settings, posture, Band.RECENT, Standing.RECENT, "each account")


def _existing(settings: Settings, posture: Posture) -> str:
    quota = quotas(settings.admission, posture)[Standing.ESTABLISHED]
    return f"every slot, before everybody else; {quota.requests_per_minute} requests/min each account"


def _band(settings: Settings, posture: Posture, band: Band, standing: Standing, whose: str) -> str:
    policy = settings.admission
    ceiling, borrow = policy.ceilings(posture)[band], policy.at(policy.borrow, posture)
    if band is Band.ANONYMOUS and ceiling <= 0.0:
        return "off"
    lent = (
        ""
        if borrow <= 0.0
        else f", and {borrow:.0%} of what is idle"
        if borrow < 1.0
        else ", and what is idle"
    )
    quota = quotas(policy, posture)[standing]
    return f"{ceiling:.0%} of the slots{lent}; {quota.requests_per_minute} requests/min {whose}"


def _under_way(settings: Settings, posture: Posture) -> str:
    if settings.admission.cuts_streams(posture):
        return "new and anonymous accounts' are ended, newest first, for an existing user who waits"
    return "never ended"
