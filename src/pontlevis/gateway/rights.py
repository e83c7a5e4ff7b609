"""What stands against a request or a stream under way: its key, its key's scope, its account, a decision in force.

All from memory. A key without a scope costs one comparison with None.
"""

import msgspec

from pontlevis.brain.credential import Credential
from pontlevis.brain.key_scope import KeyScope
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.vocabulary import RefusalCode, Standing
from pontlevis.gateway.directory import Caller, Directory
from pontlevis.gateway.wire import Endpoint, InferenceCall, names_its_model_twice


class Denial(msgspec.Struct, frozen=True, gc=False):
    """Why not."""

    status: int
    code: RefusalCode
    message: str
    outcome: Outcome = Outcome.REFUSED
    param: str | None = None


_INVALID = Denial(401, RefusalCode.INVALID_API_KEY,
                  "the API key is not valid; make one on your account page", Outcome.BAD_CREDENTIAL)  # fmt: skip
_EXPIRED = Denial(401, RefusalCode.KEY_EXPIRED,
                  "the API key has expired; make a new one on your account page", Outcome.BAD_CREDENTIAL)  # fmt: skip
_ROTATED = Denial(401, RefusalCode.KEY_EXPIRED,
                  "the API key was replaced by a new secret, and the time in which both worked is over; use the new one", Outcome.BAD_CREDENTIAL)  # fmt: skip
_DISABLED = Denial(403, RefusalCode.ACCOUNT_DISABLED, "this account has been disabled")
_ACCOUNT_BANNED = Denial(403, RefusalCode.ACCOUNT_BANNED,
                         "this account is refused at present because it took part in an attack")  # fmt: skip
_KEY_BANNED = Denial(403, RefusalCode.KEY_BANNED,
                     "this API key is refused at present because it seems to be in other hands; make a new one on your account page")  # fmt: skip
SOURCE_BANNED = Denial(403, RefusalCode.SOURCE_BANNED,
                       "requests from your address are refused at present because it took part in an attack")  # fmt: skip
_REVOKED = Denial(403, RefusalCode.ACCOUNT_DISABLED, "the API key has been revoked")


def of_credential(directory: Directory, credential: Credential | None, now: float) -> Denial:
    """Against a token that nobody is recognised by; None for one that was made up."""
    past = directory.past(credential, now)
    return {"expired": _EXPIRED, "rotated": _ROTATED}.get(past, _INVALID)


def of_caller(directory: Directory, caller: Caller, now: float, enforcing: bool) -> Denial | None:
    """Against an account or one of its keys, whatever it asks for. ``enforcing``: decisions count."""
    if caller.disabled:
        return _DISABLED
    if enforcing:
        if directory.banned_account(caller.account, now) is not None:
            return _ACCOUNT_BANNED
        if directory.banned_credential(caller.credential, now) is not None:
            return _KEY_BANNED
    return None


def of_endpoint(scope: KeyScope, endpoint: Endpoint | None) -> Denial | None:
    """Against the path; None stands for the list of models."""
    word = endpoint.value[4:] if endpoint is not None else "models"
    if scope.permits_endpoint(word):
        return None
    return Denial(403, RefusalCode.ENDPOINT_NOT_PERMITTED, f"this API key may not use {word}; its scope leaves it out")  # fmt: skip


def of_model(scope: KeyScope, model: str) -> Denial | None:
    """Against the model that a request names."""
    if scope.permits_model(model):
        return None
    return Denial(403, RefusalCode.MODEL_NOT_PERMITTED, f"this API key may not use the model {model!r}; its scope leaves it out", param="model")  # fmt: skip


def of_call(scope: KeyScope, call: InferenceCall) -> Denial | None:
    """Against a call that a key with a scope makes. Engines in Go (Ollama) read ``Model`` as ``model``; OpenRouter takes
    ``models`` as well."""
    if scope.models and names_its_model_twice(call.original):
        return Denial(400, RefusalCode.INVALID_BODY, "this API key is bound to models, so that its requests name theirs once, as model", Outcome.INVALID, param="model")  # fmt: skip
    return of_model(scope, call.model)


def of_stream(
    directory: Directory,
    caller: Caller,
    source: str,
    now: float,
    endpoint: Endpoint,
    model: str,
    *,
    enforcing: bool,
    spares: bool,
) -> Denial | None:
    """Against a call under way, which was rightful when it began. ``spares``: automatic bans of sources
    leave existing accounts alone."""
    standing = directory.stands(caller, now)
    if standing == "expired":
        return _EXPIRED
    if standing == "disabled":
        return _DISABLED
    if standing:
        return _REVOKED
    denial = of_caller(directory, caller, now, enforcing)
    if denial is None and enforcing:
        keyed = caller.standing > Standing.ANONYMOUS
        for ban in directory.banned_source(source, now):
            spared = spares and ban.origin == "detection" and caller.standing > Standing.NEW
            if not spared and ban.reach.closes(Kind.REQUEST, keyed=keyed):
                return SOURCE_BANNED
    return denial or _of_narrowed(directory, caller, endpoint, model)


def _of_narrowed(directory: Directory, caller: Caller, endpoint: Endpoint, model: str) -> Denial | None:
    """Against a call whose key was changed since it began."""
    scope = directory.scope_of(caller.credential)
    if scope is None or scope is caller.scope:
        return None
    return of_endpoint(scope, endpoint) or of_model(scope, model)
