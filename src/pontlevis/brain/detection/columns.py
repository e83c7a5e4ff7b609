"""What is counted: one number for each way an observation can end, as indexes into a list of counts."""

from functools import cache
from operator import itemgetter

from pontlevis.brain.observation import Kind, Outcome

(
    SIGNUP_OK,
    SIGNUP_REFUSED,
    SIGNUP_INVALID,
    LOGIN_OK,
    LOGIN_BAD,
    LOGIN_UNKNOWN,
    LOGIN_REFUSED,
    REQUEST_OK,
    REQUEST_REFUSED,
    REQUEST_BAD,
    REQUEST_INVALID,
    ANONYMOUS_OK,
    ANONYMOUS_REFUSED,
    PAGE,
    ERROR,
    ELDER_REQUESTS,
    TOKENS_ANONYMOUS,
    TOKENS_NEW,
    TOKENS_ELDER,
    YOUNG_ACTIVE,
    YOUNG_GREEDY,
    FAMILIAR_FAILURES,
    BANNED_CALLS,
    BANNED_REST,
    SLOW_HEADERS,
    SLOW_REST,
    CHALLENGED,
    CHALLENGE_FAILED,
    STRANGER_OK,
    STRANGER_FAILURES,
    YOUNG_REFUSED,
    HOSTED_SIGNUPS,
    HOSTED_LOGINS,
    HOSTED_REQUESTS,
    HOSTED_FAILURES,
    HOSTED_AWAY,
    FAMILIAR_AWAY,
    PROMPT_DRAINED,
    WOKEN,
    WOKEN_HEAVY,
    LOGIN_CHALLENGED,
    LOGIN_CHALLENGE_FAILED,
    STRANGER_UNKNOWN,
    STRANGER_PAGES,
    VISITS,
    VISITS_BARE,
    HOSTED_PAGES,
    LOGIN_SOLVED,
    LOGIN_MADE_THERE,
) = range(49)
WIDTH = 49

# REQUEST_OK and REQUEST_REFUSED are calls with a recognised account, the ANONYMOUS ones calls without.
# REQUEST_BAD is a made-up key: one that names a known account was real once, and only counts as refused.
# ELDER is everybody above NEW. YOUNG counts accounts, not acts, by the cluster that they were made in.
# FAMILIAR_FAILURES are failed log-ins from sources where somebody was served before, or where the account
# was just made. BANNED counts what
# sources under a decision still send: calls, and the rest.
# SLOW are connections cut for slowness: before their headers were whole, and later. CHALLENGED is a sign-up that
# was asked to solve a challenge first, LOGIN_CHALLENGED such a log-in. STRANGER are log-ins at accounts above NEW from unfamiliar sources,
# STRANGER_UNKNOWN theirs at accounts that do not exist. LOGIN_SOLVED are log-ins with the solution of a challenge, however they
# ended; LOGIN_MADE_THERE those that succeeded where the account was just made.
# YOUNG_REFUSED are young accounts' calls that were turned away. FAMILIAR_AWAY are calls without a recognised
# account, turned away at sources where somebody was served before.
# PROMPT_DRAINED are young accounts, once each, that asked for more than a person within seconds of their sign-up.
# WOKEN are young accounts at their first call, where no sign-up was seen lately; WOKEN_HEAVY those of them
# whose first call asked for more than is usual.
# STRANGER_PAGES are pages opened at unfamiliar sources. VISITS are first visits among them when they are a few seconds
# old, VISITS_BARE those of them that loaded nothing of what a page needs.
# HOSTED are those of the acts that came from data centres and VPN exits, where that is known: of all
# sign-ups, log-ins, calls and pages, of failed log-ins, and of calls turned away.

SIGNUPS = (SIGNUP_OK, SIGNUP_REFUSED, SIGNUP_INVALID)
LOGINS = (LOGIN_OK, LOGIN_BAD, LOGIN_UNKNOWN, LOGIN_REFUSED)
LOGIN_FAILURES = (LOGIN_BAD, LOGIN_UNKNOWN)
REQUESTS = (REQUEST_OK, REQUEST_REFUSED, REQUEST_BAD, REQUEST_INVALID, ANONYMOUS_OK, ANONYMOUS_REFUSED)
TURNED_AWAY = (REQUEST_BAD, REQUEST_INVALID, ANONYMOUS_REFUSED)
SLOW = (SLOW_HEADERS, SLOW_REST)
CHALLENGES = (CHALLENGED, CHALLENGE_FAILED)
LOGIN_CHALLENGES = (LOGIN_CHALLENGED, LOGIN_CHALLENGE_FAILED)

HOSTED: dict[int, tuple[int, ...]] = {
    **dict.fromkeys(SIGNUPS, (HOSTED_SIGNUPS,)),
    **dict.fromkeys(LOGINS, (HOSTED_LOGINS,)),
    **dict.fromkeys(LOGIN_FAILURES, (HOSTED_LOGINS, HOSTED_FAILURES)),
    **dict.fromkeys(REQUESTS, (HOSTED_REQUESTS,)),
    **dict.fromkeys(TURNED_AWAY, (HOSTED_REQUESTS, HOSTED_AWAY)),
    PAGE: (HOSTED_PAGES,),
}
"""Where an act of a column is counted besides, if it came from a data centre or a VPN's exit."""

Counts = list[int]


def total(counts: Counts, columns: tuple[int, ...]) -> int:
    """Sum of some columns."""
    if len(columns) == 1:
        return counts[columns[0]]
    return sum(_chosen(columns)(counts))


@cache
def _chosen(columns: tuple[int, ...]) -> "itemgetter[tuple[int, ...]]":
    """One for each tuple of columns that is written down in this package."""
    return itemgetter(*columns)


_SIGNUP = {
    Outcome.OK: SIGNUP_OK,
    Outcome.REFUSED: SIGNUP_REFUSED,
    Outcome.BAD_CREDENTIAL: SIGNUP_INVALID,
    Outcome.UNKNOWN_USER: SIGNUP_INVALID,
    Outcome.INVALID: SIGNUP_INVALID,
    Outcome.ERROR: ERROR,
}
_LOGIN = {
    Outcome.OK: LOGIN_OK,
    Outcome.REFUSED: LOGIN_REFUSED,
    Outcome.BAD_CREDENTIAL: LOGIN_BAD,
    Outcome.UNKNOWN_USER: LOGIN_UNKNOWN,
    Outcome.INVALID: LOGIN_REFUSED,
    Outcome.ERROR: ERROR,
}
_KNOWN = {
    Outcome.OK: REQUEST_OK,
    Outcome.REFUSED: REQUEST_REFUSED,
    Outcome.BAD_CREDENTIAL: REQUEST_REFUSED,
    Outcome.UNKNOWN_USER: REQUEST_REFUSED,
    Outcome.INVALID: REQUEST_REFUSED,
    Outcome.ERROR: ERROR,
}
_ANONYMOUS = {
    Outcome.OK: ANONYMOUS_OK,
    Outcome.REFUSED: ANONYMOUS_REFUSED,
    Outcome.BAD_CREDENTIAL: REQUEST_BAD,
    Outcome.UNKNOWN_USER: REQUEST_BAD,
    Outcome.INVALID: REQUEST_INVALID,
    Outcome.ERROR: ERROR,
}
_PAGE = dict.fromkeys(Outcome, PAGE)
for _columns in (_SIGNUP, _LOGIN, _KNOWN, _ANONYMOUS, _PAGE):
    _columns[Outcome.SLOW] = SLOW_HEADERS if _columns is _PAGE else SLOW_REST
    # Of calls and pages none is asked: what a log says all the same counts as malformed.
    _columns[Outcome.CHALLENGED] = _columns[Outcome.CHALLENGE_FAILED] = _columns[Outcome.INVALID]
for _columns, _unsolved in ((_SIGNUP, CHALLENGES), (_LOGIN, LOGIN_CHALLENGES)):
    _columns[Outcome.CHALLENGED], _columns[Outcome.CHALLENGE_FAILED] = _unsolved

BY_KIND = {Kind.SIGNUP: _SIGNUP, Kind.LOGIN: _LOGIN, Kind.REQUEST: _ANONYMOUS, Kind.PAGE: _PAGE}
"""Column by kind and outcome, for observations that carry no account."""
BY_KIND_WITH_ACCOUNT = {**BY_KIND, Kind.REQUEST: _KNOWN}
"""The same for those that do."""
