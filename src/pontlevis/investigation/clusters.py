"""Actors that did the same with the same software, and how sure we are that they are hostile."""

from dataclasses import dataclass, field

from pontlevis.investigation.archive import Archive
from pontlevis.investigation.phrase import Phrase, phrase
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.result import Cluster
from pontlevis.investigation.tongue import Tongue, texts_of
from pontlevis.investigation.tools import tool_of

SAME_PREFIXES = 0.3
"""Groups of one behaviour that share this part of the smaller one's prefixes are one cluster."""
LEAST_PREFIXES = 3
NAMED_SHARE = 0.1
"""A finding accuses a cluster when it names its software, or so many of its sources."""
# Each sign's weight is the chance that it alone speaks of hostility; independent signs add up as noisy-or
# (Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, §4.3.2). The weights are choices, told with each sign.
FINDING_WEIGHT = 0.9
SOURCES_WEIGHT = 0.8
DECISION_WEIGHT = 0.5
FAILURE_WEIGHT = 0.5
NEW_WEIGHT = 0.3
SPREAD_WEIGHT = 0.3
HOSTED_WEIGHT = 0.2
OTHER_MATTER = 0.3
"""Of a finding's weight for a cluster that shares the software it names, but does something else."""
OTHER_FAILING = 0.5
"""The same where what it does is mostly to fail."""
CONCERNS = {
    "credential_stuffing": {"guessing", "log-ins"},
    "signup_surge": {"sign-ups"},
    "token_drain": {"use", "flood"},
    "sleeper_accounts": {"use", "flood"},
    "leaked_key": {"use", "key guessing"},
    "slow_clients": {"slow"},
    "page_flood": {"flood"},
    "rotating_flood": {"flood", "key guessing"},
}
"""What those do whom a detector accuses; one that is not named here may mean anything."""
TEXTS = texts_of("en")
FAILS = frozenset({"guessing", "key guessing", "slow"})


@dataclass(slots=True)
class _Group:
    fingerprint: int
    behaviour: str
    sources: int
    prefixes: int
    hosted: int
    fresh: int
    named: int
    acts: float
    guesses: float
    signups: float
    requests: float
    tokens: float
    first_at: float
    last_at: float
    merged: list[int] = field(default_factory=list)
    into: int = -1


def find(archive: Archive, policy: InvestigationPolicy) -> tuple[list[Cluster], int]:
    """Clusters, the most hostile first, and how many small ones were left out.

    Makes the table ``member`` (source, fingerprint, cluster, hostile). After ``actors.gather``.
    """
    total = int(
        str(archive.ask("SELECT count(*) FROM (SELECT DISTINCT fingerprint, behaviour FROM actors)")[0][0])
    )
    groups = [
        _Group(*row)  # type: ignore[arg-type]
        for row in archive.ask(
            f"""SELECT fingerprint, behaviour, count(*), count(DISTINCT prefix), count(*) FILTER (hosted),
                       count(*) FILTER (source NOT IN (FROM earlier)), count(*) FILTER (source IN (FROM named)),
                       sum(acts), sum(guesses), sum(signups), sum(served + refused + bad_keys), sum(tokens),
                       epoch(min(first_at)), epoch(max(last_at))
                FROM actors GROUP BY fingerprint, behaviour ORDER BY sum(acts) DESC, fingerprint, behaviour
                LIMIT {policy.most_clusters}"""
        )
    ]
    _merge(archive, groups)
    accused = _accused(archive)
    earlier = bool(archive.ask("SELECT 1 FROM earlier LIMIT 1"))
    made: list[tuple[_Group, Cluster]] = []
    for group in groups:
        if group.into < 0:
            made.append((group, _cluster(archive, group, groups, accused, earlier=earlier, policy=policy)))
    archive.ask(
        "CREATE TEMP TABLE chosen (fingerprint UINTEGER, behaviour VARCHAR, cluster VARCHAR, hostile BOOLEAN)"
    )
    for group, cluster in made:
        for each in [group, *(groups[other] for other in group.merged)]:
            archive.ask(
                "INSERT INTO chosen VALUES (?, ?, ?, ?)",
                each.fingerprint,
                each.behaviour,
                cluster.id,
                cluster.hostile,
            )
    archive.ask(
        """CREATE TEMP TABLE member AS SELECT a.source, a.fingerprint, c.cluster, c.hostile
           FROM actors a JOIN chosen c USING (fingerprint, behaviour)"""
    )
    archive.ask("CREATE TEMP TABLE foe AS SELECT source, fingerprint, cluster FROM member WHERE hostile")
    clusters = [cluster for _, cluster in made]
    clusters.sort(key=lambda each: (not each.hostile, -each.confidence, -each.acts))
    return clusters, max(0, total - len(groups))


def of_foes(archive: Archive) -> str:
    """A condition on ``events e`` that lets most files and row groups be passed over: they are sorted by it."""
    prints = archive.ask("SELECT DISTINCT fingerprint FROM foe ORDER BY fingerprint")
    return f"e.fingerprint IN ({', '.join(str(each[0]) for each in prints)})" if prints else "false"


def _merge(archive: Archive, groups: list[_Group]) -> None:
    """Software that changes its headers from call to call still comes from the same places."""
    archive.ask("CREATE TEMP TABLE grouped (number INTEGER, fingerprint UINTEGER, behaviour VARCHAR)")
    for number, group in enumerate(groups):
        if group.behaviour != "known":
            archive.ask("INSERT INTO grouped VALUES (?, ?, ?)", number, group.fingerprint, group.behaviour)
    shared = archive.ask(
        """WITH places AS (SELECT DISTINCT g.number, g.behaviour, a.prefix FROM actors a JOIN grouped g USING (fingerprint, behaviour))
           SELECT one.number, other.number, count(*) FROM places one JOIN places other
           ON one.prefix = other.prefix AND one.behaviour = other.behaviour AND one.number < other.number
           GROUP BY one.number, other.number ORDER BY one.number, other.number"""
    )
    for row in shared:
        first, second, common = (int(str(each)) for each in row)
        while groups[first].into >= 0:
            first = groups[first].into
        small = min(groups[first].prefixes, groups[second].prefixes)
        if (
            groups[second].into >= 0
            or first == second
            or small < LEAST_PREFIXES
            or common < SAME_PREFIXES * small
        ):
            continue
        one, other = groups[first], groups[second]
        other.into = first
        one.merged += [second, *other.merged]
        for each in other.merged:
            groups[each].into = first
        for name in (
            "sources",
            "hosted",
            "fresh",
            "named",
            "acts",
            "guesses",
            "signups",
            "requests",
            "tokens",
        ):
            setattr(one, name, getattr(one, name) + getattr(other, name))
        one.prefixes = max(one.prefixes, one.prefixes + other.prefixes - common)
        one.first_at = min(one.first_at, other.first_at)
        one.last_at = max(one.last_at, other.last_at)


def _accused(archive: Archive) -> dict[int, tuple[float, str]]:
    """Fingerprints that hostile findings name, with the surest one's confidence and detector."""
    found: dict[int, tuple[float, str]] = {}
    for prints, confidence, detector in archive.ask(
        """SELECT fingerprints, max(confidence), arg_max(outcome, confidence) FROM said
           WHERE event = 'finding' AND hostile AND fingerprints <> '' GROUP BY fingerprints"""
    ):
        for each in str(prints).split():
            number = int(each, 16)
            known = found.get(number, (0.0, ""))
            found[number] = max(known, (float(str(confidence)), str(detector)))
    return found


def _cluster(
    archive: Archive,
    group: _Group,
    groups: list[_Group],
    accused: dict[int, tuple[float, str]],
    *,
    earlier: bool,
    policy: InvestigationPolicy,
) -> Cluster:
    prints = sorted({group.fingerprint, *(groups[each].fingerprint for each in group.merged)})
    signs, confidence = _weigh(group, prints, accused, earlier=earlier)
    hostile = confidence >= policy.hostile_confidence
    say, who = Tongue("en"), phrase(f"who.{_word(group.behaviour)}", sources=group.sources)
    mine = f"fingerprint IN ({', '.join(map(str, prints))}) AND behaviour = '{group.behaviour}'"
    networks = archive.ask(
        f"SELECT asn, count(*) FROM actors WHERE {mine} GROUP BY asn ORDER BY count(*) DESC, asn LIMIT 10"
    )
    loudest = archive.ask(
        f"SELECT source FROM actors WHERE {mine} GROUP BY source ORDER BY sum(acts) DESC, source LIMIT 20"
    )
    return Cluster(
        id=f"{group.behaviour.replace(' ', '-')}-{group.fingerprint:08x}",
        behaviour=group.behaviour,
        sentence=say.say(who),
        confidence=round(confidence, 3),
        hostile=hostile,
        signs=[say.say(each) for each in signs],
        fingerprints=[f"{each:08x}" for each in prints],
        tools=sorted({tool for each in prints if (tool := tool_of(each))}),
        sources=group.sources,
        prefixes=group.prefixes,
        networks=[(int(str(asn or 0)), int(str(count))) for asn, count in networks],
        hosted_share=group.hosted / max(1, group.sources),
        acts=group.acts,
        guesses=group.guesses,
        signups=group.signups,
        requests=group.requests,
        tokens=group.tokens,
        first_at=group.first_at,
        last_at=group.last_at,
        loudest=[str(each[0]) for each in loudest],
        who=who,
        grounds=signs,
    )


def _word(behaviour: str) -> str:
    """As the texts name it."""
    return behaviour.replace(" ", "_").replace("-", "_")


def _weigh(
    group: _Group, prints: list[int], accused: dict[int, tuple[float, str]], *, earlier: bool
) -> tuple[list[Phrase], float]:
    """Signs, and what they come to. Known good actors are not weighed."""
    if group.behaviour == "known":
        return [phrase("sign.known")], 0.0
    signs: list[Phrase] = []
    doubt = 1.0

    def sign(weight: float, code: str, **values: float | str | Phrase) -> None:
        nonlocal doubt
        doubt *= 1 - weight
        signs.append(phrase(f"sign.{code}", weight=round(weight, 4), **values))

    said = max((accused[each] for each in prints if each in accused), default=None)
    share = group.named / max(1, group.sources)
    if said is not None:
        sure, detector = said
        meant = group.behaviour in CONCERNS.get(detector, {group.behaviour})
        sign(
            FINDING_WEIGHT
            * sure
            * (1 if meant else OTHER_FAILING if group.behaviour in FAILS else OTHER_MATTER),
            "finding" if meant else "finding_other",
            detector=phrase(f"detector.{detector}") if f"detector.{detector}" in TEXTS else detector,
            sure=sure,
        )
    if share >= NAMED_SHARE:
        sign(SOURCES_WEIGHT * min(1.0, 0.5 + share / 2), "named", share=share)
    if group.behaviour in FAILS:
        sign(FAILURE_WEIGHT, "fails", behaviour=phrase(f"behaviour.{_word(group.behaviour)}"))
    fresh = group.fresh / max(1, group.sources)
    if earlier and fresh >= 0.9:
        sign(NEW_WEIGHT, "fresh", share=fresh)
    if group.prefixes >= 20 and group.fingerprint and len(prints) == 1:
        sign(SPREAD_WEIGHT, "spread", prefixes=group.prefixes)
    hosted = group.hosted / max(1, group.sources)
    if hosted >= 0.5:
        sign(HOSTED_WEIGHT, "hosted", share=hosted)
    return signs, 1 - doubt
