"""What others read: STIX 2.1, MISP's event format, block lists as CSV.

Only hostile clusters go out, with addresses and figures; accounts and keys never do: they are your users'.
"""

import csv
import io
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from uuid import UUID, uuid5

import msgspec

from pontlevis.brain.agent import NONE, OTHER, SEVERAL
from pontlevis.investigation.agents import sentences
from pontlevis.investigation.result import Agent, Cluster, Investigation
from pontlevis.investigation.tongue import Tongue

ENGLISH = Tongue("en")
"""Others' programs and people read exports, in whatever country."""
NAMESPACE = UUID("6f5f1e0a-54b5-5c1b-9f0e-6d1c2b7f3a10")
"""Of identifiers, so that the same investigation exports the same bundle."""
OBSERVABLES = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Of cyber-observables' identifiers (STIX 2.1, 2.9)."""
UNNAMED = frozenset({NONE, OTHER, SEVERAL})
VALID_DAYS = 30
"""How long an address counts as hostile: leases change, and a block list that never forgets hits the innocent."""
DAY_S = 86_400.0


class CannotExport(ValueError):
    """Why it cannot be written."""


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)


def _plain(made: Investigation) -> None:
    if made.pseudonymised:
        raise CannotExport(
            "the addresses are pseudonyms and would accuse strangers: export where the key is, after `pontlevis evidence reveal`"
        )


def _pattern(source: str) -> str:
    """STIX pattern of an address or prefix; empty for a word that is neither."""
    try:
        network = ip_network(source, strict=False)
    except ValueError:
        return ""
    return f"[ipv{network.version}-addr:value = '{source}']"


def stix(made: Investigation, *, producer: str, at: float) -> str:
    """A bundle: one grouping a hostile cluster, with an indicator for each of its sources.

    Written by hand, since thousands of indicators take minutes through the usual library. Raises ``CannotExport``.
    """
    _plain(made)
    who = f"identity--{uuid5(NAMESPACE, producer)}"

    def common(kind: str, key: str) -> dict[str, object]:
        id_ = who if kind == "identity" else f"{kind}--{uuid5(NAMESPACE, key)}"
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": id_,
            "created": _stix_time(at),
            "modified": _stix_time(at),
        }

    objects: list[dict[str, object]] = [
        {**common("identity", producer), "name": producer, "identity_class": "system"}
    ]
    for cluster in made.hostile:
        key = f"{made.subject}/{cluster.id}"
        sources = _sources(made, cluster)
        for source in sources:
            objects.append(
                {
                    **common("indicator", f"{key}/{source}"),
                    "created_by_ref": who,
                    "name": source,
                    "description": f"{cluster.id}, confidence {cluster.confidence:.0%}",
                    "indicator_types": ["malicious-activity"],
                    "pattern": _pattern(source),
                    "pattern_type": "stix",
                    "pattern_version": "2.1",
                    "valid_from": _stix_time(cluster.first_at),
                    "valid_until": _stix_time(cluster.last_at + VALID_DAYS * DAY_S),
                    "confidence": round(cluster.confidence * 100),
                    "labels": [cluster.behaviour],
                }
            )
        named = [_software(each.name) for each in _named(cluster)] if sources else []
        objects.extend(each for each in named if each not in objects)
        if sources:
            objects.append(
                {
                    **common("grouping", key),
                    "created_by_ref": who,
                    "name": f"{cluster.sentence} ({cluster.id})",
                    "description": "; ".join(cluster.signs),
                    "context": "suspicious-activity",
                    "confidence": round(cluster.confidence * 100),
                    "object_refs": [
                        *(f"indicator--{uuid5(NAMESPACE, f'{key}/{each}')}" for each in sources),
                        *(each["id"] for each in named),
                    ],
                }
            )
        if sources and cluster.agents:
            objects.append(
                {
                    **common("note", key),
                    "created_by_ref": who,
                    "abstract": "What its clients call themselves (product and major version of the User-Agent; anybody can send any)",
                    "content": "\n".join(sentences(cluster, ENGLISH)),
                    "object_refs": [f"grouping--{uuid5(NAMESPACE, key)}"],
                }
            )
    bundle = {"type": "bundle", "id": f"bundle--{uuid5(NAMESPACE, made.subject)}", "objects": objects}
    return msgspec.json.format(msgspec.json.encode(bundle), indent=1).decode()


def _named(cluster: Cluster) -> list[Agent]:
    """Names that nothing speaks against."""
    return [each for each in cluster.agents if not each.contradiction and each.name not in UNNAMED]


def _software(name: str) -> dict[str, object]:
    """A cyber-observable of STIX, with the identifier that the standard makes of it (STIX 2.1, 2.9 and 6.14)."""
    product, _, version = name.partition(" ")
    what = {"name": product} | ({"version": version} if version else {})
    made = uuid5(OBSERVABLES, msgspec.json.encode(what).decode())
    return {"type": "software", "spec_version": "2.1", "id": f"software--{made}", **what}


def _stix_time(at: float) -> str:
    return f"{_time(at):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def misp(made: Investigation, *, producer: str, at: float) -> str:
    """An event as MISP imports it (MISP core format); addresses are ``ip-src`` attributes, for detection.

    Raises ``CannotExport``.
    """
    _plain(made)
    attributes = [
        {
            "uuid": str(uuid5(NAMESPACE, f"{made.subject}/{cluster.id}/{source}")),
            "type": "ip-src",
            "category": "Network activity",
            "value": source,
            "to_ids": True,
            "comment": f"{cluster.id}, confidence {cluster.confidence:.0%}",
            "timestamp": str(int(at)),
            "first_seen": _time(cluster.first_at).isoformat(),
            "last_seen": _time(cluster.last_at).isoformat(),
        }
        for cluster in made.hostile
        for source in _sources(made, cluster)
    ]
    attributes += [
        {
            "uuid": str(
                uuid5(
                    NAMESPACE,
                    f"{made.subject}/{cluster.id}/agent/{each.name}/{each.contradiction}/{each.sends_like}",
                )
            ),
            "type": "user-agent",
            "category": "Network activity",
            "value": each.name,
            "to_ids": False,
            "comment": f"{cluster.id}: product and major version only; {said}",
            "timestamp": str(int(at)),
            "first_seen": _time(cluster.first_at).isoformat(),
            "last_seen": _time(cluster.last_at).isoformat(),
        }
        for cluster in made.hostile
        for each, said in zip(cluster.agents, sentences(cluster, ENGLISH), strict=True)
        if each.name not in UNNAMED
    ]
    event = {
        "uuid": str(uuid5(NAMESPACE, f"misp/{made.subject}")),
        "info": f"{producer}: {made.subject}",
        "date": f"{_time(made.since):%Y-%m-%d}",
        "threat_level_id": "2",
        "analysis": "1",
        "distribution": "0",
        "published": False,
        "timestamp": str(int(at)),
        "Orgc": {"name": producer, "uuid": str(uuid5(NAMESPACE, producer))},
        "Attribute": attributes,
        "Tag": [{"name": "tlp:amber"}],
    }
    return msgspec.json.format(msgspec.json.encode({"Event": event}), indent=1).decode()


def block_list(made: Investigation) -> str:
    """CSV: address or prefix, confidence, cluster, first and last seen, names of the cluster's clients.

    Raises ``CannotExport``.
    """
    _plain(made)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("source", "confidence", "cluster", "behaviour", "first_seen", "last_seen", "agents"))
    for cluster in made.hostile:
        for source in _sources(made, cluster):
            writer.writerow(
                (
                    source,
                    f"{cluster.confidence:.2f}",
                    cluster.id,
                    cluster.behaviour,
                    _time(cluster.first_at).isoformat(timespec="seconds"),
                    _time(cluster.last_at).isoformat(timespec="seconds"),
                    "; ".join(each.name for each in cluster.agents[:3]),
                )
            )
    return out.getvalue()


def _sources(made: Investigation, cluster: Cluster) -> list[str]:
    """Its sources that are addresses of somebody else: not our own, not loopback, nobody's who is known good."""
    return [each for each in made.members.get(cluster.id, []) if _foreign(each)]


def _foreign(source: str) -> bool:
    try:
        address = ip_address(source.partition("/")[0])
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_link_local)
