"""Puts the answers together, and says of each what it is: fact, inference, unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pontlevis.investigation import actors, clusters
from pontlevis.investigation.archive import Archive
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.result import Attacked, Cluster, Hit, Investigation, Line, Statement, Touched
from pontlevis.investigation.touched import touched, used_keys
from pontlevis.investigation.waves import series, waves

MOST_TIMELINE = 400


@dataclass(frozen=True, slots=True)
class Matter:
    """What is asked about. Times are Unix seconds."""

    subject: str
    since: float
    until: float


def investigate(
    store: Path,
    matter: Matter,
    policy: InvestigationPolicy,
    *,
    pseudonymised: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Investigation:
    """Asks the evidence. ``progress`` is told what is being looked at. Raises ``NoEvidence`` and ``Broken``."""
    say = progress or (lambda _: None)
    with Archive(
        store,
        matter.since,
        matter.until,
        before_s=policy.before_h * 3_600,
        threads=policy.threads,
        memory_mib=policy.memory_mib,
    ) as archive:
        say("who did what")
        actors.gather(archive)
        say("clusters")
        found, left_out = clusters.find(archive, policy)
        say("waves")
        over_time = series(archive)
        say("accounts and keys")
        reached = touched(archive)
        attacked_count, attacked = _attacked(
            archive, {each.account_id for each in reached}, policy.most_listed
        )
        honest_count, honest = _honest(archive, policy.most_listed)
        keys = used_keys(archive, policy.most_listed)
        drained = sum(each.tokens for each in found if each.hostile)
        members, source_count = _sources(archive, policy.most_listed)
        ((acts, heaviest),) = archive.ask(
            "SELECT coalesce(sum(acts), 0), coalesce(max(weight), 1) FROM deeds"
        )
        price = policy.price_per_million_tokens
        made = Investigation(
            subject=matter.subject,
            since=matter.since,
            until=matter.until,
            rows=archive.rows,
            acts=float(str(acts)),
            dropped=archive.dropped,
            sampled=float(str(heaviest)) > 1,
            pseudonymised=pseudonymised,
            clusters=found,
            clusters_left_out=left_out,
            statements=[],
            waves=waves(over_time),
            series=over_time,
            touched=reached[: policy.most_listed],
            attacked_accounts=attacked_count,
            attacked=attacked,
            keys=keys,
            tokens_drained=drained,
            cost=drained / 1e6 * price if price else None,
            currency=policy.currency,
            honest_hit=honest_count,
            honest=honest,
            members=members,
            hostile_source_count=source_count,
            timeline=_timeline(archive),
        )
        earlier = bool(archive.ask("SELECT 1 FROM earlier LIMIT 1"))
        made.statements = _statements(made, earlier=earlier, reached=reached, first=archive.first)
        return made


def _attacked(archive: Archive, reached: set[str], most: int) -> tuple[int, list[Attacked]]:
    """Accounts whose passwords hostile sources tried; from how many sources is counted of those that are listed only."""
    mine = clusters.of_foes(archive)
    joined = """FROM events e JOIN foe f ON f.source = e.source AND f.fingerprint = e.fingerprint"""
    of_guesses = f"{mine} AND e.event = 'login' AND e.outcome <> 'ok' AND e.account <> ''"
    archive.ask(
        f"""CREATE TEMP TABLE guessed AS SELECT e.account, sum(e."count" * e.weight) tries {joined}
            WHERE {of_guesses} GROUP BY e.account"""
    )
    ((count,),) = archive.ask("SELECT count(*) FROM guessed")
    archive.ask(
        f"CREATE TEMP TABLE worst AS SELECT * FROM guessed ORDER BY tries DESC, account LIMIT {int(most)}"
    )
    rows = archive.ask(
        f"""WITH places AS (SELECT e.account, count(DISTINCT e.source) sources {joined}
                            WHERE {of_guesses} AND e.account IN (SELECT account FROM worst) GROUP BY e.account)
            SELECT account, tries, sources FROM worst JOIN places USING (account) ORDER BY tries DESC, account"""
    )
    return int(str(count)), [
        Attacked(str(name), float(str(tries)), int(str(sources)), str(name) in reached)
        for name, tries, sources in rows
    ]


def _honest(archive: Archive, most: int) -> tuple[int, list[Hit]]:
    """Existing users turned away by us, who came from no hostile cluster."""
    archive.ask(
        """CREATE TEMP TABLE hit AS
            SELECT d.account, sum(d.acts) FILTER (d.outcome = 'refused') refused,
                   coalesce(sum(d.acts) FILTER (d.outcome = 'ok'), 0) served,
                   epoch(min(d.first_at) FILTER (d.outcome = 'refused')) first_at, epoch(max(d.last_at) FILTER (d.outcome = 'refused')) last_at
            FROM dealings d LEFT JOIN foe f ON f.source = d.source AND f.fingerprint = d.fingerprint
            WHERE d.existing AND f.source IS NULL AND d.event IN ('request', 'login') AND d.account NOT LIKE 'anon:%'
            GROUP BY d.account HAVING count(*) FILTER (d.outcome = 'refused') > 0"""
    )
    ((count,),) = archive.ask("SELECT count(*) FROM hit")
    return int(str(count)), [
        Hit(str(name), float(str(refused)), float(str(served)), float(str(first)), float(str(last)))
        for name, refused, served, first, last in archive.ask(
            f"SELECT * FROM hit ORDER BY refused DESC, account LIMIT {int(most)}"
        )
    ]


def _sources(archive: Archive, most: int) -> tuple[dict[str, list[str]], int]:
    """Sources of hostile clusters that are not at the same time someone's who is known good."""
    archive.ask(
        """CREATE TEMP TABLE hostile_source AS SELECT source, min(cluster) cluster, sum(acts) acts FROM actors JOIN member USING (source, fingerprint)
           WHERE hostile AND source NOT IN (SELECT source FROM actors WHERE behaviour = 'known') GROUP BY source"""
    )
    ((count,),) = archive.ask("SELECT count(*) FROM hostile_source")
    members: dict[str, list[str]] = {}
    for source, cluster in archive.ask(
        f"SELECT source, cluster FROM hostile_source ORDER BY acts DESC, source LIMIT {int(most)}"
    ):
        members.setdefault(str(cluster), []).append(str(source))
    return members, int(str(count))


def _timeline(archive: Archive) -> list[Line]:
    """Findings when they were first made, changes of posture, decisions by their first second and reason."""
    rows = archive.ask(
        f"""SELECT epoch(at_), event, outcome, detail FROM (
                SELECT min(ts) at_, event, outcome, arg_min(detail, ts) detail FROM said WHERE event = 'finding' GROUP BY event, outcome, id
                UNION ALL SELECT ts, event, outcome || ', registration ' || id, detail FROM said WHERE event = 'posture'
                UNION ALL SELECT min(ts), event, outcome, count(*)::VARCHAR || ' × ' || arg_min(detail, ts) FROM said
                    WHERE event = 'decision' GROUP BY event, outcome, date_trunc('minute', ts),
                    regexp_replace(detail, '[0-9][0-9.,]*', '…', 'g'))
            ORDER BY at_, event LIMIT {MOST_TIMELINE}"""
    )
    return [
        Line(float(str(at)), str(event), str(outcome), str(detail)) for at, event, outcome, detail in rows
    ]


def _statements(
    made: Investigation, *, earlier: bool, reached: list[Touched], first: float
) -> list[Statement]:
    """In the order in which somebody asks."""
    said: list[Statement] = []

    def fact(text: str) -> None:
        said.append(Statement("fact", text))

    def inference(text: str) -> None:
        said.append(Statement("inference", text))

    def unknown(text: str) -> None:
        said.append(Statement("unknown", text))

    about = "about " if made.sampled else ""
    fact(f"{about}{made.acts:,.0f} acts were seen; {made.rows:,} rows of evidence tell of them.")
    hostile = made.hostile
    for each in hostile[:10]:
        inference(_told(each))
    if not hostile:
        inference("No cluster is hostile with enough confidence to say so.")
    if reached:
        inference(
            f"{len(reached):,} account{'s' if len(reached) != 1 else ''} gave way or had a key used: log-ins and calls that succeeded are facts,"
            " that those sources are hostile is the inference above."
        )
    elif hostile:
        fact("No account gave way: no log-in and no key of somebody else's succeeded from a hostile cluster.")
    if made.attacked_accounts:
        fact(f"Passwords of {about}{made.attacked_accounts:,} accounts were tried from these clusters.")
    if made.tokens_drained:
        money = f", {made.cost:,.2f} {made.currency}" if made.cost is not None else ""
        fact(
            f"Calls from these clusters that were served asked for {about}{made.tokens_drained:,.0f} tokens{money}."
        )
    if made.honest_hit:
        fact(
            f"{made.honest_hit:,} existing users who belong to no hostile cluster were turned away at least once."
        )
    else:
        fact("No existing user outside these clusters was turned away.")
    if all(asn == 0 for each in hostile for asn, _ in each.networks):
        unknown(
            "Whose networks these are: no file of autonomous systems was there when the acts were seen (docs/sources.md)."
        )
    if not any(each.tools for each in hostile):
        unknown(
            "Which tools were used: no order of header names matches a client that we know; header values are not recorded."
        )
    if not earlier:
        unknown("Who was there before: the evidence does not go back further than the time asked for.")
    if made.dropped:
        unknown(f"{made.dropped:,} acts were not kept because the disk was too slow, or refused.")
    if made.sampled:
        unknown(
            "Every single source of the flood: it was sampled, so that counts are estimates and lists are not complete."
        )
    if made.pseudonymised:
        unknown("The addresses: they are pseudonyms; `pontlevis evidence reveal` opens them with the key.")
    unknown(
        "Who the people behind these sources are, and whether they are one group: evidence of this kind cannot tell."
    )
    return said


def _told(each: Cluster) -> str:
    tools = f", with what looks like {' and '.join(each.tools)}" if each.tools else ""
    return f"{each.sentence} ({each.acts:,.0f} acts{tools}): hostile with confidence {each.confidence:.0%}, since {'; '.join(each.signs)}."
