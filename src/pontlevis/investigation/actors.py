"""The one pass over all events: who (source and software) did what, how often, from when to when."""

from pontlevis.evidence.rows import DECISION, FINDING, POSTURE
from pontlevis.investigation.archive import Archive

SAID = (FINDING, DECISION, POSTURE)
"""Events that tell what the service itself said and did."""

KNOWN_STANDING = 3
"""``established``: from here on an account has earned that its sources are believed."""


def gather(archive: Archive) -> None:
    """Makes the tables ``deeds`` (by actor, event, outcome and name of the client), ``actors`` (one row an actor), ``dealings`` (what
    accounts were served, and existing ones refused, by actor and credential) and ``said`` (what the service itself
    said and did).

    Most else is asked of these, so that a hundred million events are read a few times only. Grouped by a 64-bit hash,
    which takes a third less time than the columns; among a million groups two meet once in 30 million times.
    """
    columns = "ts, event, outcome, source, id, hostile, confidence, detail, named, fingerprints"
    # One condition each: a list of values lets no row group be passed over.
    each = " UNION ALL ".join(f"SELECT {columns} FROM events WHERE event = '{kind}'" for kind in SAID)
    archive.ask(f"CREATE TEMP TABLE said AS {each}")
    archive.ask(
        f"""CREATE TEMP TABLE dealings AS
            SELECT any_value(source) source, any_value(fingerprint) fingerprint, any_value(account) account,
                   any_value(credential) credential, any_value(event) event, any_value(outcome) outcome,
                   any_value(standing >= {KNOWN_STANDING}) existing, sum("count" * weight) acts,
                   sum(tokens * weight) tokens, min(ts) first_at, max(ts) last_at
            FROM events
            WHERE event IN ('request', 'login', 'signup') AND account <> ''
              AND (outcome = 'ok' OR (outcome = 'refused' AND standing >= {KNOWN_STANDING}))
            GROUP BY hash(source, fingerprint, account, credential, event, outcome, standing >= {KNOWN_STANDING})"""
    )
    archive.ask(
        """CREATE TEMP TABLE deeds AS
            SELECT any_value(source) source, any_value(fingerprint) fingerprint, any_value(event) event,
                   any_value(outcome) outcome, any_value(agent) agent, sum("count" * weight) acts,
                   sum(tokens * weight) tokens, min(ts) first_at, max(ts) last_at, max(standing) standing,
                   any_value(asn) asn, any_value(data_centre OR vpn) hosted, max(weight) weight
            FROM events WHERE event IN ('request', 'login', 'signup', 'page') AND source <> ''
            GROUP BY hash(source, fingerprint, event, outcome, agent)"""
    )
    archive.ask(
        """CREATE TEMP TABLE summed AS
            SELECT source, fingerprint, min(asn) asn, bool_or(hosted) hosted,
                   coalesce(sum(acts) FILTER (event = 'login' AND outcome IN ('bad_credential', 'unknown_user')), 0) guesses,
                   coalesce(sum(acts) FILTER (event = 'login' AND outcome = 'ok'), 0) logins,
                   coalesce(sum(acts) FILTER (event = 'signup'), 0) signups,
                   coalesce(sum(acts) FILTER (event = 'request' AND outcome = 'bad_credential'), 0) bad_keys,
                   coalesce(sum(acts) FILTER (event = 'request' AND outcome = 'ok'), 0) served,
                   coalesce(sum(acts) FILTER (event = 'request' AND outcome NOT IN ('ok', 'bad_credential')), 0) refused,
                   coalesce(sum(acts) FILTER (outcome = 'slow'), 0) slow,
                   coalesce(sum(acts) FILTER (event = 'page' AND outcome <> 'slow'), 0) pages,
                   coalesce(sum(tokens) FILTER (event = 'request' AND outcome = 'ok'), 0) tokens,
                   sum(acts) acts, min(first_at) first_at, max(last_at) last_at,
                   coalesce(max(standing) FILTER (outcome = 'ok'), 0) standing
            FROM deeds GROUP BY source, fingerprint"""
    )
    archive.ask(
        f"""CREATE TEMP TABLE actors AS
            SELECT *, CASE WHEN source LIKE '%:%' THEN source
                           ELSE regexp_replace(source, '[.][0-9]+$', '') END prefix,
                   CASE WHEN standing >= {KNOWN_STANDING} AND guesses <= 5 * (logins + served) THEN 'known'
                        WHEN guesses > 0 AND guesses > 3 * logins AND guesses >= greatest(signups, bad_keys, served, refused, slow, pages) THEN 'guessing'
                        WHEN bad_keys > 0 AND bad_keys >= greatest(signups, served, refused, slow, pages) THEN 'key guessing'
                        WHEN slow > 0 AND slow >= greatest(signups, served, refused, pages) THEN 'slow'
                        WHEN signups > 0 AND signups >= greatest(refused, pages) THEN 'sign-ups'
                        WHEN refused > 0 AND refused >= greatest(served, pages) THEN 'flood'
                        WHEN served > 0 THEN 'use'
                        WHEN logins > 0 THEN 'log-ins'
                        ELSE 'pages' END behaviour
            FROM summed"""
    )
    archive.ask(
        """CREATE TEMP TABLE earlier AS SELECT DISTINCT source FROM before
           WHERE source <> '' AND event IN ('request', 'login', 'signup', 'page')"""
    )
    archive.ask(
        """CREATE TEMP TABLE named AS
           SELECT DISTINCT unnest(string_split(named, ' ')) source FROM said WHERE event = 'finding' AND hostile AND named <> ''
           UNION SELECT DISTINCT source FROM said WHERE event = 'decision' AND outcome = 'made' AND source <> ''"""
    )
