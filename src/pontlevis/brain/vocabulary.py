"""The words that every room shares. One word for one thing."""

from enum import IntEnum, StrEnum


class Standing(IntEnum):
    """What an account has earned; a greater value is served earlier."""

    ANONYMOUS = 0
    NEW = 1
    RECENT = 2
    ESTABLISHED = 3
    PAID = 4
    OPERATOR = 5

    @property
    def word(self) -> str:
        return self.name.lower()


EXISTING = frozenset({Standing.ESTABLISHED, Standing.PAID, Standing.OPERATOR})
"""The standings that count as existing users: whom the drawbridge protects."""


class Verdict(StrEnum):
    """What the findings mean together."""

    CALM = "calm"
    CROWD = "crowd"
    ATTACK = "attack"
    CROWD_AND_ATTACK = "crowd+attack"
    OVERLOAD = "overload"


class Posture(StrEnum):
    """What the service does about it."""

    NORMAL = "normal"
    ELEVATED = "elevated"
    UNDER_ATTACK = "under_attack"
    RECOVERING = "recovering"


class RegistrationMode(StrEnum):
    """Who may make an account now."""

    OPEN = "open"
    CHALLENGE = "challenge"
    APPROVAL = "approval"
    WAITLIST = "waitlist"
    SUSPENDED = "suspended"


class RefusalCode(StrEnum):
    """Why a request was not served, new ones last (ids of refusals count them); the ``code`` of the error body and the word in logs and metrics."""

    INVALID_API_KEY = "invalid_api_key"
    MISSING_API_KEY = "missing_api_key"
    ACCOUNT_DISABLED = "account_disabled"
    SOURCE_BANNED = "source_banned"
    ACCOUNT_BANNED = "account_banned"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    OVERLOADED = "overloaded"
    QUEUE_TIMEOUT = "queue_timeout"
    ANONYMOUS_SUSPENDED = "anonymous_suspended"
    MODEL_NOT_FOUND = "model_not_found"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    INVALID_BODY = "invalid_body"
    BODY_TOO_LARGE = "request_too_large"
    UNKNOWN_ENDPOINT = "unknown_endpoint"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    SLOW_REQUEST = "slow_request"
    PREEMPTED = "preempted"
    SLOW_READER = "slow_reader"
    KEY_BANNED = "key_banned"
    KEY_EXPIRED = "key_expired"
    MODEL_NOT_PERMITTED = "model_not_permitted"
    ENDPOINT_NOT_PERMITTED = "endpoint_not_permitted"
