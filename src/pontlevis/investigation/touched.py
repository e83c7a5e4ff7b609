"""Accounts that hostile sources got into or used: what a response, and a duty to notify, rests on."""

from pathlib import Path

from pontlevis.investigation import actors, clusters
from pontlevis.investigation.archive import Archive
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.result import Touched, UsedKey


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
    for account, source, cluster, at, event in archive.ask(
        """WITH own AS (SELECT DISTINCT account FROM dealings WHERE event = 'signup' AND outcome = 'ok'
                        AND source IN (SELECT source FROM foe))
           SELECT d.account, arg_min(d.source, d.first_at), arg_min(f.cluster, d.first_at), epoch(min(d.first_at)), d.event
           FROM dealings d JOIN foe f ON f.source = d.source AND f.fingerprint = d.fingerprint
           WHERE d.outcome = 'ok' AND d.event IN ('login', 'request') AND d.account NOT LIKE 'anon:%'
             AND d.account NOT IN (FROM own)
           GROUP BY d.account, d.event ORDER BY min(d.first_at), d.account"""
    ):
        name = str(account)
        if name in found:
            continue
        did = "a log-in succeeded" if event == "login" else "a key or session of it was used"
        found[name] = Touched(name, f"{did} from {source}, of the hostile cluster {cluster}", float(str(at)))
    return list(found.values())


def used_keys(archive: Archive, most: int) -> list[UsedKey]:
    """Keys and sessions that hostile clusters used, most tokens first."""
    return [
        UsedKey(
            str(key), str(account), float(str(n)), float(str(t)), int(str(s)), float(str(a)), float(str(b))
        )
        for key, account, n, t, s, a, b in archive.ask(
            f"""SELECT d.credential, min(d.account), sum(d.acts), sum(d.tokens), count(DISTINCT d.source),
                       epoch(min(d.first_at)), epoch(max(d.last_at))
                FROM dealings d JOIN foe f ON f.source = d.source AND f.fingerprint = d.fingerprint
                WHERE d.event = 'request' AND d.outcome = 'ok' AND d.credential <> ''
                GROUP BY d.credential ORDER BY 4 DESC, 1 LIMIT {int(most)}"""
        )
    ]
