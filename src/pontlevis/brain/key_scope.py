"""What an API key may be used for, and why a key never may more than the one that made it.

A scope only takes away: models by name or pattern, endpoints by word, limits of the key's own. An empty
list takes nothing away. In a pattern ``*`` stands for any characters, also none; nothing else is special,
so that matching is linear and what is written can be read.
"""

import msgspec

INFERENCE = ("chat/completions", "completions", "embeddings", "responses", "models")
"""Endpoints by the words that follow ``/v1/``; a key without a list may use all of these."""
KEYS = "keys"
"""Making, rotating and revoking keys of its own: only a key whose list names it may."""
ENDPOINTS = (*INFERENCE, KEYS)
MOST_MODELS = 32
LONGEST_MODEL = 256  # as for the model of a request
MOST_STARS = 8
MOST_LIMIT = 2**53  # what every JSON reader holds exactly


class KeyLimits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Limits of one key within its account's; 0 is none of its own."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    requests_per_day: int = 0
    tokens_per_day: int = 0
    concurrent: int = 0


class KeyScope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is left of an account's rights. Raises nothing; ``check`` says what is wrong with one."""

    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    limits: KeyLimits | None = None

    @property
    def whole(self) -> bool:
        """Whether it takes nothing away."""
        return not self.models and not self.endpoints and self.limits is None

    def permits_model(self, model: str) -> bool:
        """Whether a request may name this model."""
        models = self.models
        return not models or model in models or any(matches(each, model) for each in models if "*" in each)

    def permits_endpoint(self, word: str) -> bool:
        """Whether ``word`` of ``ENDPOINTS`` may be used."""
        return word in (self.endpoints or INFERENCE)


def matches(pattern: str, text: str) -> bool:
    """Whether ``text`` fits ``pattern``, whose ``*`` stand for any characters. Linear for each star."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def check(scope: KeyScope) -> tuple[str, str] | None:
    """The field at fault and what is wrong with it; None for a scope that can be."""
    if len(scope.models) > MOST_MODELS:
        return "models", f"at most {MOST_MODELS} models or patterns can be named"
    for model in scope.models:
        if not 0 < len(model) <= LONGEST_MODEL or not model.isprintable() or model != model.strip():
            return "models", f"a model's name or pattern has 1 to {LONGEST_MODEL} printable characters"
        if model.count("*") > MOST_STARS:
            return "models", f"a pattern has at most {MOST_STARS} stars"
    for word in scope.endpoints:
        if word not in ENDPOINTS:
            return "endpoints", f"an endpoint is one of {', '.join(ENDPOINTS)}"
    if scope.limits is not None:
        for name in KeyLimits.__struct_fields__:
            if not 0 <= getattr(scope.limits, name) <= MOST_LIMIT:
                return "limits", f"{name} must be from 1 to {MOST_LIMIT}"
    return None


def exceeds(scope: KeyScope, maker: KeyScope) -> tuple[str, str] | None:
    """The field in which ``scope`` would allow more than ``maker`` does, and a sentence; None where it does not.

    A pattern is within another where the other fits it with its stars taken as characters: only a star
    takes up a star, so that whatever the inner one stands for, the outer one does as well.
    """
    if maker.models:
        if not scope.models:
            return "models", "the key that makes this one is limited to some models; name some of them"
        for model in scope.models:
            if not any(matches(each, model) for each in maker.models):
                return "models", f"the key that makes this one may not use {model!r}"
    for word in scope.endpoints or INFERENCE:
        if not maker.permits_endpoint(word):
            return "endpoints", f"the key that makes this one may not use {word}"
    if maker.limits is not None:
        for name in KeyLimits.__struct_fields__:
            most, wanted = getattr(maker.limits, name), getattr(scope.limits, name) if scope.limits else 0
            if most and (not wanted or wanted > most):
                return "limits", f"the key that makes this one is limited to {most} {name.replace('_', ' ')}"
    return None


def narrowed(scope: KeyScope, maker: KeyScope) -> KeyScope | None:
    """What is left of ``scope`` when its maker may only what ``maker`` says; None where nothing is.

    Never more than either. Of two patterns the one within the other stays; where neither is, both go,
    although they may overlap, and so does what is beyond ``MOST_MODELS``: it only takes away.
    """
    models = scope.models or maker.models
    if scope.models and maker.models:
        kept = [each for each in scope.models if any(matches(one, each) for one in maker.models)]
        inner = [each for each in maker.models if any(matches(one, each) for one in scope.models)]
        models = tuple(dict.fromkeys((*kept, *inner)))[:MOST_MODELS]
        if not models:
            return None
    endpoints = tuple(each for each in scope.endpoints or INFERENCE if maker.permits_endpoint(each))
    if not endpoints:
        return None
    if not scope.endpoints and endpoints == INFERENCE:
        endpoints = ()
    limits = {name: _least(name, scope, maker) for name in KeyLimits.__struct_fields__}
    return KeyScope(models, endpoints, KeyLimits(**limits) if any(limits.values()) else None)


def _least(name: str, *scopes: KeyScope) -> int:
    """The least limit of this name that one of them has; 0 where none has."""
    found = [getattr(each.limits, name) for each in scopes if each.limits is not None]
    return min((each for each in found if each), default=0)
