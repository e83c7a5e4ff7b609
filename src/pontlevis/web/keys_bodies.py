"""What is said of API keys over HTTP, to their owners and to operators."""

from msgspec import UNSET
from pydantic import BaseModel, Field

from pontlevis.accounts.service import KeyChange, KeyView, NewKey
from pontlevis.brain.key_scope import LONGEST_MODEL, MOST_LIMIT, MOST_MODELS, KeyLimits, KeyScope

LONGEST_LIFE_S = 10 * 365 * 86_400


class LimitsBody(BaseModel):
    """Limits of the key's own, within its account's; what is left out is the account's."""

    requests_per_minute: int | None = Field(default=None, ge=1, le=MOST_LIMIT, examples=[60])
    tokens_per_minute: int | None = Field(default=None, ge=1, le=MOST_LIMIT)
    requests_per_day: int | None = Field(default=None, ge=1, le=MOST_LIMIT)
    tokens_per_day: int | None = Field(default=None, ge=1, le=MOST_LIMIT)
    concurrent: int | None = Field(
        default=None, ge=1, le=MOST_LIMIT, description="Requests under way at once."
    )


class ScopeBody(BaseModel):
    """What a key may, of what its account may."""

    models: list[str] = Field(
        default_factory=list,
        max_length=MOST_MODELS,
        description=f"Names or patterns with *, each of up to {LONGEST_MODEL} characters; none: all models.",
        examples=[["llama-3.1-8b", "qwen*"]],
    )
    endpoints: list[str] = Field(
        default_factory=list,
        max_length=16,
        description="chat/completions, completions, embeddings, responses, models; keys lets it make keys of its own. "
        "None: all of the first five.",
        examples=[["chat/completions", "models"]],
    )
    limits: LimitsBody | None = None
    expires_in_s: float | None = Field(
        default=None, gt=0, le=LONGEST_LIFE_S, description="Seconds from now; left out: never."
    )

    def scope(self) -> KeyScope:
        """As the rooms know it."""
        given = self.limits.model_dump(exclude_none=True) if self.limits is not None else {}
        limits = KeyLimits(**given) if given else None
        return KeyScope(tuple(dict.fromkeys(self.models)), tuple(dict.fromkeys(self.endpoints)), limits)

    def expires_at(self, now: float) -> float | None:
        """``now`` is Unix seconds."""
        return now + self.expires_in_s if self.expires_in_s is not None else None


class ChangeBody(BaseModel):
    """What is given is changed; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    models: list[str] | None = Field(
        default=None, max_length=MOST_MODELS, description="Empty: all models.", examples=[["qwen*"]]
    )
    endpoints: list[str] | None = Field(
        default=None, max_length=16, description="Empty: all endpoints of inference."
    )
    limits: LimitsBody | None = Field(
        default=None,
        description="Each limit that is given is changed; null for one: the account's; null for all: none of its own.",
    )
    expires_in_s: float | None = Field(
        default=None, gt=0, le=LONGEST_LIFE_S, description="Seconds from now; null: never."
    )

    def change(self, now: float) -> KeyChange:
        """As the rooms know it. ``now`` is Unix seconds."""
        given = self.model_fields_set
        limits: dict[str, int] = {}
        if self.limits is not None:
            limits = {name: getattr(self.limits, name) or 0 for name in self.limits.model_fields_set}
        elif "limits" in given:
            limits = dict.fromkeys(KeyLimits.__struct_fields__, 0)
        never_or_then = now + self.expires_in_s if self.expires_in_s is not None else None
        return KeyChange(
            self.name,
            tuple(dict.fromkeys(self.models)) if self.models is not None else None,
            tuple(dict.fromkeys(self.endpoints)) if self.endpoints is not None else None,
            limits,
            never_or_then if "expires_in_s" in given else UNSET,
        )


class LimitsAnswer(BaseModel):
    """0: the account's."""

    requests_per_minute: int
    tokens_per_minute: int
    requests_per_day: int
    tokens_per_day: int
    concurrent: int


class KeyAnswer(BaseModel):
    """A key without its secret. Times are Unix seconds."""

    id: str
    name: str
    created_at: float
    last_used_at: float | None = None
    """Coarse: to a minute or so."""
    models: list[str] = []
    endpoints: list[str] = []
    limits: LimitsAnswer | None = None
    expires_at: float | None = None
    rotated_at: float | None = None
    former_until: float | None = None
    """Until when the secret before the last rotation works as well."""
    made_by: str | None = None
    """The key that made it."""
    leaked_at: float | None = None
    """When it was reported as leaked and revoked."""


class NewKeyAnswer(KeyAnswer):
    key: str


class KeysAnswer(BaseModel):
    keys: list[KeyAnswer]


def key_answer(view: KeyView) -> KeyAnswer:
    return KeyAnswer(
        id=view.id,
        name=view.name,
        created_at=view.created_at,
        last_used_at=view.last_used_at,
        models=list(view.scope.models),
        endpoints=list(view.scope.endpoints),
        limits=_limits(view.scope),
        expires_at=view.expires_at,
        rotated_at=view.rotated_at,
        former_until=view.former_until,
        made_by=view.made_by or None,
        leaked_at=view.leaked_at,
    )


def new_key_answer(made: NewKey) -> NewKeyAnswer:
    return NewKeyAnswer(
        id=made.id,
        name=made.name,
        created_at=made.created_at,
        models=list(made.scope.models),
        endpoints=list(made.scope.endpoints),
        limits=_limits(made.scope),
        expires_at=made.expires_at,
        former_until=made.former_until,
        key=made.key,
    )


def _limits(scope: KeyScope) -> LimitsAnswer | None:
    if scope.limits is None:
        return None
    return LimitsAnswer(**{name: getattr(scope.limits, name) for name in KeyLimits.__struct_fields__})
