"""Every message between gateway and controller. Times are Unix seconds."""

import msgspec

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.key_scope import KeyScope
from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.reach import Reach


class AccountRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a gateway knows of an account."""

    id: str
    standing: int
    created_at: float
    unlimited: bool = False
    disabled: str = ""
    """Why it may not be used; empty when it may."""
    familiar: str = ""
    """Addresses from which its owner logged in, separated by spaces."""


class CredentialRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a gateway knows of an API key or a session."""

    id: str
    account: str
    secret_hash: bytes
    expires_at: float | None = None
    revoked: bool = False
    scope: KeyScope | None = None
    """What of the account's rights a key has; None: all of them."""
    former_hash: bytes = b""
    """Of the secret before the last rotation, which holds until ``former_until``."""
    former_until: float = 0.0


class DecisionRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An enforceable measure."""

    id: int
    scope: str
    """``address``, ``prefix``, ``account`` or ``credential``."""
    value: str
    reason: str
    created_at: float
    expires_at: float
    origin: str = "detection"
    """``detection`` or an operator's name."""
    lifted: bool = False
    finding: str = ""
    """What detection found; empty for an operator's own."""
    reach: Reach = Reach.EVERYTHING
    """What of an address or prefix it closes."""


class UsageRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One settled request."""

    at: float
    account: str
    key: str
    model: str
    input_tokens: int
    output_tokens: int
    outcome: str
    """``ok``, ``aborted``, ``error``."""
    wait_s: float
    ttft_s: float
    duration_s: float


GATEWAY, ADMISSION = "gateway", "admission"


class Hello(msgspec.Struct, tag="hello", frozen=True):
    """Gateway, or its admission process, to controller: first message on a connection."""

    worker: int
    pid: int
    version: str
    role: str = GATEWAY
    """``admission`` wants to hear of the posture only."""


class Batch(msgspec.Struct, tag="batch", frozen=True):
    """Gateway to controller, a few times a second: what was seen."""

    worker: int
    observations: list[Observation]
    sample: ServiceSample | None
    dropped: int = 0
    """Observations that were merged away because the batch was full."""
    refusals: dict[str, int] = {}
    """By code, since the last batch: also what was cut where no answer was possible."""


class Parcel(msgspec.Struct, tag="parcel", frozen=True):
    """Gateway to controller: what was used. Sent again until ``Settled`` says that it is written."""

    sender: str
    """One gateway process; a new one after each start."""
    number: int
    """Grows by one a parcel of the same sender, from 1; one that was written already is not written twice."""
    usage: list[UsageRecord]


class Ack(msgspec.Struct, tag="ack", frozen=True):
    """Gateway to controller: everything up to ``number`` is in force here."""

    number: int


class Changes(msgspec.Struct, tag="changes", frozen=True):
    """Controller to gateway: what is new. ``number`` grows by one a message."""

    number: int
    whole: bool = False
    """True for the first part of a fresh state: forget accounts, credentials and decisions before it."""
    complete: bool = True
    """False when more parts of the same whole follow."""
    accounts: list[AccountRecord] = []
    credentials: list[CredentialRecord] = []
    decisions: list[DecisionRecord] = []
    posture: PostureState | None = None
    admission: AdmissionPolicy | None = None
    """Limits that changed while the service runs; None: as before."""


class Cut(msgspec.Struct, tag="cut", frozen=True):
    """Controller to gateway: end requests under way of these accounts and credentials."""

    number: int
    accounts: list[str]
    credentials: list[str]
    reason: str


class Settled(msgspec.Struct, tag="settled", frozen=True):
    """Controller to gateway: the parcels of this sender up to ``number`` are in the database."""

    sender: str
    number: int


FromGateway = Hello | Batch | Parcel | Ack
FromController = Changes | Cut | Settled
