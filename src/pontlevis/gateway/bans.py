"""Whom a decision against a place refuses: by what was asked for, and by the key that it brings."""

from pontlevis.brain.observation import Kind
from pontlevis.brain.reach import Reach
from pontlevis.gateway.cookies import token_shown
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.gatehouse import STRANGER_POSTS
from pontlevis.gateway.request import Request
from pontlevis.link.messages import DecisionRecord

_ACTS = {
    Reach.EVERYTHING: "requests",
    Reach.KEYLESS: "calls without a valid API key",
    Reach.LOG_INS: "log-ins",
    Reach.SIGN_UPS: "sign-ups",
    Reach.PAGES: "pages without a valid session",
}


def meets(ban: DecisionRecord, request: Request, directory: Directory, now: float, *, spares: bool) -> bool:
    """Whether a decision in force against the place that this request comes from refuses it.

    ``spares``: whether a valid key or session of an account above ``new`` counts for more than the address. ``now``
    is Unix seconds.
    """
    if ban.reach is Reach.EVERYTHING:
        spared = spares and ban.origin == "detection"
        return not (spared and directory.is_existing(token_shown(request.headers), now))
    kind = _kind_of(request)
    if not ban.reach.closes(kind):
        return False
    if kind is not Kind.REQUEST and ban.reach is not Reach.PAGES:
        return True
    token = token_shown(request.headers)
    return ban.reach.closes(kind, keyed=bool(token) and directory.recognise(token, now) is not None)


def _kind_of(request: Request) -> Kind:
    if request.path.startswith("/v1"):
        return Kind.REQUEST
    return STRANGER_POSTS.get(request.path, Kind.PAGE) if request.method == "POST" else Kind.PAGE


def shown(request: Request) -> Kind:
    """As what detection sees one that was refused: before anybody read what it was, besides a call."""
    return Kind.REQUEST if request.path.startswith("/v1") else Kind.PAGE


def said(ban: DecisionRecord) -> str:
    """What whoever is refused reads."""
    return f"{_ACTS[ban.reach]} from your address are refused at present because it took part in an attack"
