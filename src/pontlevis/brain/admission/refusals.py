"""What is said to whoever is not served, and what the operator reads about it."""

from pontlevis.brain.admission.account import Shortage
from pontlevis.brain.admission.messages import Ask, Preempt, Refuse
from pontlevis.brain.admission.pending import Pending
from pontlevis.brain.refusal_note import Cause
from pontlevis.brain.vocabulary import RefusalCode

CODES = RefusalCode


def no_such_model(ask: Ask) -> Refuse:
    return Refuse(ask.ticket, 404, CODES.MODEL_NOT_FOUND, f"the model {ask.model!r} does not exist here", 0.0, f"no engine that is up serves {ask.model!r}")  # fmt: skip


def at_concurrency(ask: Ask, most: int, *, of_key: bool = False) -> Refuse:
    who, whose = _whose(of_key)
    return Refuse(ask.ticket, 429, CODES.RATE_LIMIT_EXCEEDED, f"{who} {most} requests under way, which is {whose} limit", 1.0, f"{ask.standing.word} account at its limit of {most} concurrent requests", Cause.CONCURRENCY)  # fmt: skip


def over_limit(ask: Ask, shortage: Shortage, posture: str, *, of_key: bool = False) -> Refuse:
    who, whose = _whose(of_key)
    return Refuse(ask.ticket, 429, CODES.RATE_LIMIT_EXCEEDED, f"{who} reached {whose} limit of {shortage.what}", shortage.wait_s, f"{ask.standing.word} account over {shortage.what}, posture {posture}", shortage.cause)  # fmt: skip


def cut_stream(request: Pending) -> Preempt:
    return Preempt(request.ask.ticket, False, CODES.PREEMPTED, "the service is overloaded and your answer was ended early for an existing user; please try again", f"{request.ask.standing.word} account's answer ended after {request.generated} tokens for an existing user who waited")  # fmt: skip


def give_way(request: Pending) -> Preempt:
    return Preempt(request.ask.ticket, True, CODES.PREEMPTED, "", f"{request.ask.standing.word} account's request went back to its queue for an existing user")  # fmt: skip


def _whose(of_key: bool) -> tuple[str, str]:
    return ("this API key has", "its") if of_key else ("you have", "your")
