"""Accounts that hostile sources got into or used: what a response, and a duty to notify, rests on."""

from pathlib import Path

from pontlevis.investigation import actors, clusters
from pontlevis.investigation.archive import Archive
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.result import Touched, UsedKey
from pontlevis.investigation.tongue import Tongue


def touched_accounts(
    store: Path, since: float, until: float, policy: InvestigationPolicy | None = None
) -> list[Touched]:
    """Every account touched between ``since`` and ``until`` (Unix seconds), each once, with the first reason.

    Raises ``NoEvidence`` and ``Broken``.
    """
    policy = policy or InvestigationPolicy()
    with Archive(
        store,
        since,
        until,
        before_s=policy.before_h * 3_600,
        threads=policy.threads,
        memory_mib=policy.memory_mib,
    ) as archive:
        actors.gather(archive)
        clusters.find(archive, policy)
        return touched(archive)


def touched(archive: Archive) -> list[Touched]:
    """The same of an archive whose clusters were found.

    Touched is: a log-in from a hostile cluster that succeeded; a known account's key that a hostile cluster
    used. Accounts that were made from a hostile source in the same time are the attackers' own and left out;
    those that they made before it cannot be told from others. Callers without an account have none.
    """
    found: dict[str, Touched] = {}
    say = Tongue("en")
    mine = clusters.of_foes(archive)
    for account, source, cluster, at, event in archive.ask(
        f"""WITH own AS (SELECT DISTINCT account FROM events e WHERE e.source IN (SELECT source FROM foe) AND e.event = 'signup' AND e.outcome = 'ok' AND e.account <> '')
           SELECT e.account, arg_min(e.source, e.ts), arg_min(m.cluster, e.ts), epoch(min(e.ts)), e.event
           FROM events e JOIN foe m ON m.source = e.source AND m.fingerprint = e.fingerprint
           WHERE {mine} AND e.outcome = 'ok' AND e.account <> '' AND e.event IN ('login', 'request')
             AND e.account NOT LIKE 'anon:%'
             AND e.account NOT IN (FROM own)
           GROUP BY e.account, e.event ORDER BY min(e.ts), e.account"""
    ):
        name = str(account)
        if name in found:
            continue
        how = str(event)
        why = say(f"touched.{how}", source=str(source), cluster=str(cluster))
        found[name] = Touched(name, why, float(str(at)), how, str(source), str(cluster))
    return list(found.values())


def used_keys(archive: Archive, most: int) -> list[UsedKey]:
    """Keys and sessions that hostile clusters used, most tokens first."""
    return [
        UsedKey(
            str(key), str(account), float(str(n)), float(str(t)), int(str(s)), float(str(a)), float(str(b))
        )
        for key, account, n, t, s, a, b in archive.ask(
            f"""SELECT e.credential, min(e.account), sum(e."count" * e.weight), sum(e.tokens * e.weight),
                       count(DISTINCT e.source), epoch(min(e.ts)), epoch(max(e.ts))
                FROM events e JOIN foe m ON m.source = e.source AND m.fingerprint = e.fingerprint
                WHERE {clusters.of_foes(archive)} AND e.event = 'request' AND e.outcome = 'ok' AND e.credential <> ''
                GROUP BY e.credential ORDER BY 4 DESC, 1 LIMIT {int(most)}"""
        )
    ]
