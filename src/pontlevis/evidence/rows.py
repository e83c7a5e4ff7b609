"""The events' table: its columns, and how observations, findings, decisions and postures become rows of it."""

from collections.abc import Callable, Iterable

import msgspec

from pontlevis.brain.detection.address import prefix_of
from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.detection.knowledge import NOWHERE, Place
from pontlevis.brain.posture.state import PostureState
from pontlevis.evidence.frames import Seen
from pontlevis.evidence.masking import Mask

COLUMNS: dict[str, str] = {
    "ts": "TIMESTAMP",
    "event": "VARCHAR",
    "outcome": "VARCHAR",
    "source": "VARCHAR",
    "prefix": "VARCHAR",
    "asn": "UINTEGER",
    "data_centre": "BOOLEAN",
    "vpn": "BOOLEAN",
    "fingerprint": "UINTEGER",
    "agent": "VARCHAR",
    "account": "VARCHAR",
    "standing": "UTINYINT",
    "domain": "VARCHAR",
    "credential": "VARCHAR",
    "target": "UINTEGER",
    "parameters": "UINTEGER",
    "weight": "DOUBLE",
    "count": "BIGINT",
    "tokens": "BIGINT",
    "bytes": "BIGINT",
    "in_flight": "UINTEGER",
    "id": "VARCHAR",
    "hostile": "BOOLEAN",
    "confidence": "DOUBLE",
    "detail": "VARCHAR",
    "named": "VARCHAR",
    "fingerprints": "VARCHAR",
    "figures": "VARCHAR",
}
"""Name and DuckDB type of each; ``docs/evidence.md`` says what they mean."""
LAYOUT = AGENT_SINCE = 2
"""Of these columns; files of layout 1 lack ``agent``."""
SUMMED = {"count", "tokens", "bytes"}
FINDING, DECISION, POSTURE = "finding", "decision", "posture"
MOST_DETAIL = 2_000

Value = str | int | float | bool
_BLANK: dict[str, Value] = {
    name: "" if kind == "VARCHAR" else False if kind == "BOOLEAN" else 0 if kind != "DOUBLE" else 0.0
    for name, kind in COLUMNS.items()
} | {"weight": 1.0, "count": 1, "ts": 0.0}


class Note(msgspec.Struct, frozen=True):
    """Something that the service said or did, as one row; addresses still plain."""

    at: float
    event: str
    outcome: str = ""
    source: str = ""
    account: str = ""
    credential: str = ""
    id: str = ""
    hostile: bool = False
    confidence: float = 0.0
    detail: str = ""
    named: tuple[str, ...] = ()
    fingerprints: tuple[int, ...] = ()
    figures: dict[str, float] = {}


def finding_note(finding: Finding) -> Note:
    """A finding as it was confirmed; ``outcome`` is the detector's name."""
    return Note(
        finding.at, FINDING, finding.detector.value, id=finding.id, hostile=finding.hostile,
        confidence=finding.confidence, detail=finding.sentence, named=finding.sources,
        fingerprints=finding.fingerprints, figures={**finding.figures, "since": finding.since},
    )  # fmt: skip


def decision_note(
    at: float,
    *,
    number: int,
    scope: str,
    value: str,
    reason: str,
    origin: str,
    expires_at: float,
    lifted: bool,
) -> Note:
    """A decision that was made or lifted; ``figures`` tells when it ends."""
    return Note(
        at, DECISION, "lifted" if lifted else "made",
        source=value if scope in ("address", "prefix") else "",
        account=value if scope == "account" else "", credential=value if scope == "credential" else "",
        id=str(number), detail=f"{scope}, by {origin}: {reason}", figures={"expires_at": expires_at},
    )  # fmt: skip


def posture_note(at: float, state: PostureState, *, reason: str, actor: str) -> Note:
    """The posture that holds from then on; ``id`` is the registration mode."""
    return Note(
        at, POSTURE, state.posture.value, id=state.registration.value, detail=f"{reason} ({actor})",
        figures={"share": state.registration_share, "stage": float(state.stage)},
    )  # fmt: skip


class Rows:
    """Rows that wait to be written, by column."""

    def __init__(self, place: Callable[[str], Place], mask: Mask | None) -> None:
        self._place = place
        self._mask = mask
        self.columns: dict[str, list[Value]] = {name: [] for name in COLUMNS}

    def __len__(self) -> int:
        return len(self.columns["ts"])

    def see(self, tranches: Iterable[Seen]) -> None:
        """Observations, each tranche with its weight."""
        columns = self.columns
        mask = self._mask
        plain = [name for name in COLUMNS if name not in _FROM_OBSERVATION]
        added = 0
        for tranche in tranches:
            for o in tranche.observations:
                place = self._place(o.source) if o.source else NOWHERE
                source = mask.hide(o.source) if mask is not None else o.source
                for name, value in zip(
                    _FROM_OBSERVATION,
                    (
                        o.at, o.kind.value, o.outcome.value, source, prefix_of(source) if source else "", place.asn,
                        place.data_centre, place.vpn, o.fingerprint, o.agent, o.account, o.standing, o.domain, o.credential,
                        o.target, o.parameters, float(tranche.weight), o.count, o.tokens, o.bytes, o.in_flight,
                    ),
                    strict=True,
                ):  # fmt: skip
                    columns[name].append(value)
            added += len(tranche.observations)
        for name in plain:
            columns[name].extend([_BLANK[name]] * added)

    def say(self, note: Note) -> None:
        """A finding, a decision or a posture."""
        hide = self._mask.hide if self._mask is not None else str
        source = hide(note.source)
        place = self._place(note.source) if note.source and "/" not in note.source else NOWHERE
        detail = self._mask.hide_in(note.detail) if self._mask is not None else note.detail
        row = _BLANK | {
            "ts": note.at, "event": note.event, "outcome": note.outcome, "source": source,
            "prefix": prefix_of(source) if source and "/" not in source else source,
            "asn": place.asn, "data_centre": place.data_centre, "vpn": place.vpn,
            "account": note.account, "credential": note.credential, "id": note.id, "hostile": note.hostile,
            "confidence": note.confidence, "detail": detail[:MOST_DETAIL], "named": " ".join(map(hide, note.named)),
            "fingerprints": " ".join(f"{each:08x}" for each in note.fingerprints),
            "figures": msgspec.json.encode(note.figures).decode(),
        }  # fmt: skip
        for name, column in self.columns.items():
            column.append(row[name])

    def take(self) -> "dict[str, list[Value]]":
        """All of them; none are left."""
        taken, self.columns = self.columns, {name: [] for name in COLUMNS}
        return taken


_FROM_OBSERVATION = (
    "ts", "event", "outcome", "source", "prefix", "asn", "data_centre", "vpn", "fingerprint", "agent", "account", "standing",
    "domain", "credential", "target", "parameters", "weight", "count", "tokens", "bytes", "in_flight",
)  # fmt: skip
