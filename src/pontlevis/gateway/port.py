"""What the data path needs of admission, whether it is here or in a process of its own."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from pontlevis.brain.admission.messages import Allowance, Ask, Command, Dispatch, Queued, Refuse
from pontlevis.brain.key_scope import KeyLimits
from pontlevis.brain.vocabulary import Standing


class Stuck(msgspec.Struct, frozen=True, gc=False):
    """There is no other engine for a request that was to move; comes only from an admission at a distance."""

    ticket: int


class AdmissionPort(Protocol):
    """``brain.admission.admission.Admission`` is one, and ``RemoteAdmission`` another.

    What one at a distance cannot say at once it says later, through ``Core.carry_out``.
    """

    def set_engine(self, engine: str, models: frozenset[str], up: bool, now: float) -> None: ...

    def ask(self, ask: Ask, now: float) -> Dispatch | Queued | Refuse: ...

    def first_byte(self, ticket: int, now: float) -> None: ...

    def progress(self, ticket: int, output_tokens: int, now: float) -> None: ...

    def finish(
        self,
        ticket: int,
        now: float,
        *,
        input_tokens: int | None,
        output_tokens: int | None,
        failed: bool = False,
        whole: bool = True,
    ) -> None: ...

    def abandon(self, ticket: int, now: float) -> None: ...

    def move(self, ticket: int, now: float) -> Dispatch | Queued | None:
        """``Queued``: the answer comes later, as ``Dispatch`` or ``Stuck``."""

    def due(self, now: float) -> Sequence[Command | Stuck]: ...

    def allowance(
        self,
        account: str,
        standing: Standing,
        now: float,
        key: str = "",
        limits: KeyLimits | None = None,
        unlimited: bool = False,
    ) -> Allowance | None: ...
