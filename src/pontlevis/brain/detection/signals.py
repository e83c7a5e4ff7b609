"""Takes observations, a few microseconds each, into windows, clusters and ledgers of bounded size."""

from collections import deque

import msgspec

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.address import place_of, prefix_of
from pontlevis.brain.detection.alert import Alert
from pontlevis.brain.detection.bans import Bans
from pontlevis.brain.detection.baseline import Baseline
from pontlevis.brain.detection.candidate import Candidate, Deed
from pontlevis.brain.detection.cluster import Row, Table
from pontlevis.brain.detection.columns import BY_KIND, BY_KIND_WITH_ACCOUNT, WIDTH, Counts
from pontlevis.brain.detection.distinct import SlidingDistinct
from pontlevis.brain.detection.familiar import Familiar, FamiliarState
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.good import GoodRow, KnownGood, Vouched
from pontlevis.brain.detection.heavy import Heavies
from pontlevis.brain.detection.homes import Homes
from pontlevis.brain.detection.ledgers import Ledgers
from pontlevis.brain.detection.newcomers import PERIOD_S, Newcomers, Origin
from pontlevis.brain.detection.origins import Origins
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Distincts, Snapshot
from pontlevis.brain.detection.suspects import Suspect, Suspects
from pontlevis.brain.detection.window import TEN, Window
from pontlevis.brain.detection.worst import GUESSERS, Worst, with_print
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.brain.vocabulary import Standing

AHEAD_S = 3
"""An observation may be this far ahead of the last tick; one further ahead counts as now."""
PRUNE_S = 5
"""Every table is pruned once in so many seconds."""
BUSIEST_FINGERPRINTS = 48
BUSIEST_PREFIXES = 24
BUSIEST_DOMAINS = 64
CANDIDATES = 4096
AGAIN_S = 10.0
"""A source that is a candidate for a measure is named again at most this often."""
SUSPECT_WINDOW_S = 60.0
_JUDGED = frozenset({c.LOGIN_OK, *c.LOGIN_FAILURES})

_REFUSED = Outcome.REFUSED
_OK = Outcome.OK
_SLOW = Outcome.SLOW
_REQUEST, _LOGIN, _SIGNUP, _PAGE = Kind.REQUEST, Kind.LOGIN, Kind.SIGNUP, Kind.PAGE
_ASSET = PagePart.ASSET.value
_ANONYMOUS, _NEW = Standing.ANONYMOUS.value, Standing.NEW.value
_RECENT, _ESTABLISHED = Standing.RECENT.value, Standing.ESTABLISHED.value


class Signals:
    """Everything that was seen lately."""

    def __init__(self, policy: DetectionPolicy, alert: Alert) -> None:
        self._policy = policy
        self.alert = alert
        self._everyone: Window | None = None
        self._ticked: int | None = None
        self._last_tick: float | None = None
        self._first_tick: float | None = None
        self._pruned = 0
        self._sum: Counts = [0] * WIDTH
        self._fingerprints: Table[int] = Table(policy.max_fingerprints)
        self._prefixes: Table[str] = Table(policy.max_prefixes)
        self._domains: Table[tuple[int, str]] = Table(policy.max_domains)
        self._familiar = Familiar(policy.familiar_s)
        self.vouched = Vouched(policy.protect_s)
        """Places (see ``place_of``) and prefixes where an existing account was served lately."""
        self._homes = Homes(self._familiar, self.vouched, policy.places_per_account, policy.familiar_s)
        self.good = KnownGood(policy.max_good, policy.good_keep_s)
        self.origins = Origins(policy)
        self.heavies = Heavies()
        self._strangers = SlidingDistinct(1, TEN)
        self._distincts = Distincts()
        self._suspects = Suspects(policy.max_suspects, SUSPECT_WINDOW_S, policy.guess_half_life_s)
        self._newcomers = Newcomers(policy.max_newcomers, policy.newcomer_s)
        self._worst = {name: Worst(phase) for phase, name in enumerate(DetectorName)}
        self._guessers = Worst()
        self._ledgers = Ledgers.of(policy)
        self._keys, self._takers = self._ledgers.keys, self._ledgers.takers
        self.visits = self._ledgers.visits
        self._asleep = self._ledgers.cohorts.asleep
        self.candidates: deque[Candidate] = deque(maxlen=CANDIDATES)
        self.bans = Bans()
        self._remembers = False
        """Whether familiar places were kept over a restart."""

    def take(self, o: Observation) -> None:
        """Counts one observation. Late ones count as now, within a batch's quarter of a second."""
        window = self._everyone
        second = int(o.at)
        if window is None:
            window = self._everyone = Window(second, fresh=True)
        elif second > window.second:
            if self._ticked is not None and second > self._ticked + AHEAD_S:
                second = max(window.second, self._ticked)
            window.advance(second)
        second = window.second
        slot = window.slot
        kind = o.kind
        outcome = o.outcome
        source = o.source
        count = o.count
        if ":" in source:
            # A host has all addresses of its /64: to change among them makes nobody many.
            source = place_of(source)
            o = msgspec.structs.replace(o, source=source)
        if outcome is _REFUSED and not o.account and self.bans.hit(source, kind):
            slot[c.BANNED_CALLS if kind is _REQUEST else c.BANNED_REST] += count
            return
        part = o.part
        if part == _ASSET:
            # The browser's doing, not its user's: that it was asked for is all it says.
            self.visits.fetched(source, o.at)
            return
        standing = o.standing
        # Calls without a credential bear the name of the source that their quota is counted by.
        known = standing > _ANONYMOUS or (o.account != "" and not o.account.startswith("anon:"))
        column = (BY_KIND_WITH_ACCOUNT if known else BY_KIND)[kind][outcome]
        slot[column] += count
        row = self._fingerprints.row(o.fingerprint, second, count)
        if row is not None:
            row.slot[column] += count
        if self.origins.known and source:
            self.origins.take(o, column, slot, row, second)
        self.heavies.take(o, column, second, known=known)
        if self.visits.open and not part and (kind is not _PAGE or outcome is _OK):
            self.visits.acted(source)
        if outcome is _SLOW:
            if source:
                self._ledgers.was_slow(source, count, o.at, second, stranger=source not in self._familiar)
                self._worst[DetectorName.SLOW_CLIENTS].add(source, count, second)
        elif kind is _REQUEST and known:
            self._called(o, slot, source, standing, second)
        elif source:
            # A log-in that fails bears the standing of the account it tried, which vouches for nobody.
            proven = standing >= _RECENT and (kind is _REQUEST or outcome is _OK)
            stranger = not proven and source not in self._familiar
            if stranger:
                self._strangers.add(source, second)
            if kind is _REQUEST:
                self._called_anonymously(o, slot, row, column, second, stranger=stranger)
            elif kind is _LOGIN:
                self._logged_in(o, slot, row, column, second, familiar=not stranger)
            elif part and stranger and not o.account:
                insists = self.visits.viewed(o, slot, row, second, accused=self.alert.pages)
                if insists:
                    self.candidates.append(Candidate(Deed.PAGES, source, "", insists))
        elif part:
            slot[c.STRANGER_PAGES] += count
        if kind is _SIGNUP and outcome is not _SLOW:
            self._signed_up(o, column, second)

    def _called(self, o: Observation, slot: Counts, source: str, standing: int, second: int) -> None:
        if o.credential:
            self._keys.take(o)
        takers = self._takers
        takers.left -= o.tokens
        if takers.left <= 0:
            takers.keep(o, second)
        if o.account in self._asleep:
            self._ledgers.cohorts.used(o.account, o.at, source, prefix_of(source), o.fingerprint)
        if standing > _NEW:
            slot[c.ELDER_REQUESTS] += o.count
            slot[c.TOKENS_ELDER] += o.tokens
            if o.outcome is _OK and source:
                vouches = standing >= _ESTABLISHED
                self.good.served(o.account, source, o.fingerprint, o.at, vouches=vouches)
                if self._homes.served(o.account, source, o.at, vouches=vouches) and vouches:
                    self._suspects.served(source)
            return
        slot[c.TOKENS_NEW] += o.tokens
        if not source or not o.account:
            return
        prefix = self._prefixes.row(prefix_of(source), second, o.count)
        if prefix is not None:
            prefix.slot[c.TOKENS_NEW] += o.tokens
        if source not in self._familiar:
            self._strangers.add(source, second)
        self._used_young(o, slot, second)

    def _used_young(self, o: Observation, slot: Counts, second: int) -> None:
        newcomer = self._newcomers.find(o.account, o.source, o.at)
        refused = o.outcome is _REFUSED
        if newcomer.unused and newcomer.origin is None:
            slot[c.WOKEN] += 1
            slot[c.WOKEN_HEAVY] += o.tokens > self.alert.heavy_call * o.count
        newcomer.use(o.at, o.count, o.tokens, refused=refused)
        if newcomer.prompt and newcomer.origin is not None:
            most = (self._policy.greedy_requests, self.alert.most_tokens)
            if newcomer.drains_at_once(o.at, o.count, o.tokens, most):
                slot[c.PROMPT_DRAINED] += 1
                made_with = self._fingerprints.row(newcomer.origin.fingerprint, second, 0)
                if made_with is not None:
                    made_with.slot[c.PROMPT_DRAINED] += 1
        if refused:
            slot[c.YOUNG_REFUSED] += o.count
            self._ledgers.young_refused.add(o.account, second)
        elif not self._ledgers.slow.empty:
            self._ledgers.slow.served(o.source)
        greedy = newcomer.greedy(self._policy.greedy_requests, self.alert.most_tokens)
        distincts = self._distincts
        distincts.young_active.add(o.account, second)
        if greedy:
            distincts.young_greedy.add(o.account, second)
            if newcomer.prompt:
                distincts.young_prompt.add(o.account, second)
        active = o.at - newcomer.active_at >= PERIOD_S
        freshly_greedy = greedy and o.at - newcomer.greedy_at >= PERIOD_S
        if not (active or freshly_greedy):
            return
        slots = [slot]
        origin = newcomer.origin
        if origin is not None:
            rows = (
                self._fingerprints.row(origin.fingerprint, second, 0),
                self._prefixes.row(origin.prefix, second, 0),
            )
            slots += [row.slot for row in rows if row is not None]
        for each in slots:
            each[c.YOUNG_ACTIVE] += active
            each[c.YOUNG_GREEDY] += freshly_greedy
        if active:
            newcomer.active_at = o.at
        if freshly_greedy:
            newcomer.greedy_at = o.at
            if origin is not None and self._drains(origin.fingerprint, prompt=newcomer.prompt):
                self._worst[DetectorName.TOKEN_DRAIN].add(o.source, 1, second)
                self.candidates.append(Candidate(Deed.DRAINS, o.source, o.account, o.count))

    def _drains(self, fingerprint: int, *, prompt: bool) -> bool:
        """Whether a greedy account made with this fingerprint is one that a finding is about."""
        alert = self.alert
        return fingerprint in alert.drainers if alert.drainers else alert.drain and prompt

    def _called_anonymously(
        self, o: Observation, slot: Counts, row: Row | None, column: int, second: int, *, stranger: bool
    ) -> None:
        source = o.source
        slot[c.TOKENS_ANONYMOUS] += o.tokens
        takers = self._takers
        takers.left -= o.tokens
        if takers.left <= 0:
            takers.keep(o, second)
        if row is not None:
            row.slot[c.TOKENS_ANONYMOUS] += o.tokens
        if column not in c.TURNED_AWAY:
            return
        if not stranger:
            slot[c.FAMILIAR_AWAY] += o.count
            self._distincts.familiar_away.add(source, second)
            return
        self._distincts.turned_away_sources.add(source, second)
        self._worst[DetectorName.ROTATING_FLOOD].add(source, o.count, second)
        record = self._suspects.touch(source, o.at)
        alert = self.alert
        if column == c.ANONYMOUS_REFUSED:
            record.refused += o.count
        else:
            record.bad_keys += o.count
        accused = alert.flood and (not alert.accused or o.fingerprint in alert.accused)
        if record.bad_keys >= (alert.bad_keys if accused else self._policy.bad_key_acts):
            self._suspect(record, Deed.BAD_KEYS, o, record.bad_keys)
        elif accused and alert.accused and record.bad_keys + record.refused >= alert.bad_keys:
            self._suspect(record, Deed.KEYLESS, o, record.bad_keys + record.refused)

    def _logged_in(
        self, o: Observation, slot: Counts, row: Row | None, column: int, second: int, *, familiar: bool
    ) -> None:
        source = o.source
        made_there = self._newcomers.made_at(o.account, source)
        for counts in (slot,) if row is None else (slot, row.slot):
            counts[c.LOGIN_SOLVED] += o.count if o.solved else 0
            counts[c.LOGIN_MADE_THERE] += o.count if made_there and column == c.LOGIN_OK else 0
        if o.standing > _NEW and column in _JUDGED:
            at_home = o.source in self._familiar
            self._ledgers.tried_elder(o, slot, column, second, familiar=familiar, at_home=at_home)
        if column == c.LOGIN_OK:
            self._ledgers.cohorts.logged_in(o.account)
            if self._suspects.logged_in(source, o.count, o.at) and o.standing > _NEW:
                self._homes.served(o.account, source, o.at, vouches=o.standing >= _ESTABLISHED)
            return
        if column not in c.LOGIN_FAILURES:
            return
        if familiar or made_there:
            slot[c.FAMILIAR_FAILURES] += o.count
        elif column == c.LOGIN_UNKNOWN:
            slot[c.STRANGER_UNKNOWN] += o.count
        self._distincts.failing_sources.add(source, second)
        if o.account:
            self._distincts.failing_accounts.add(o.account, second)
        self._worst[DetectorName.CREDENTIAL_STUFFING].add(source, o.count, second)
        self._guessers.add(with_print(source, o.fingerprint), o.count, second)
        record = self._suspects.failed(source, o.account, o.count, o.at)
        if record.odds >= self.alert.odds:
            self._suspect(record, Deed.GUESSES, o, record.failures)

    def _signed_up(self, o: Observation, column: int, second: int) -> None:
        prefix = prefix_of(o.source)
        rows = (
            self._prefixes.row(prefix, second, o.count),
            self._domains.row((o.fingerprint, o.domain), second, o.count),
        )
        for row in rows:
            if row is not None:
                row.slot[column] += o.count
        self._distincts.signup_sources.add(o.source, second)
        if o.fingerprint in self.alert.signup_accused:
            self._worst[DetectorName.SIGNUP_SURGE].add(o.source, o.count, second)
        if column == c.SIGNUP_OK:
            self._ledgers.cohorts.made(o.account, o.at, o.fingerprint, o.domain, prefix)
            self._newcomers.signed_up(o.account, o.source, Origin(o.at, o.fingerprint, prefix, o.domain))

    def _suspect(self, record: Suspect, deed: Deed, o: Observation, acts: int) -> None:
        if o.at < record.named_until:
            return
        record.named_until = o.at + AGAIN_S
        self.candidates.append(Candidate(deed, o.source, "", acts))

    def familiar(self, source: str) -> bool:
        """Whether an account that is not new was served there within the last half day."""
        return source in self._familiar

    def accused_sources(self, detector: DetectorName, now: float, most: int) -> tuple[str, ...]:
        """Sources with the most deeds of the detector's kind, most first, without those we serve."""
        about = self.alert.guessing if detector is DetectorName.CREDENTIAL_STUFFING else frozenset()
        return (self._guessers if about else self._worst[detector]).worst(now, most, self.vouched, about)

    def networks(self, most: int) -> list[tuple[str, int, int]]:
        """See ``Detection.networks``."""
        second = self._everyone.second if self._everyone is not None else 0
        return self.origins.listed(second, most)

    def places(self) -> tuple[FamiliarState, FamiliarState]:
        """Familiar places, and those that existing accounts vouch for, to be kept over a restart."""
        return self._familiar.state(), self.vouched.state()

    def known_before(
        self, rows: list[GoodRow], places: tuple[FamiliarState, FamiliarState] | None, now: float
    ) -> None:
        """Takes who was known good before a restart, and the places that were familiar."""
        self._remembers = self._homes.known_before(rows, places, now)
        self.good.merge(rows)

    def _prune(self, turn: int, second: int, now: float) -> None:
        """Forgets what is old: a fifth of it each second, so that no tick has to do it all."""
        if turn < 3:
            (self._fingerprints, self._prefixes, self._domains)[turn].prune(second)
        elif turn == 3:
            self.origins.prune(second)
            self.good.expire(now)
        else:
            self.bans.expire(now)

    def snapshot(self, now: float, baseline: Baseline, accused: dict[int, frozenset[str]]) -> Snapshot:
        """Closes the tick at ``now`` and shows the windows that end there."""
        second = int(now)
        window = self._everyone
        if window is None:
            window = self._everyone = Window(second, fresh=True)
        window.advance(second)
        second = window.second
        self._ticked = int(now)
        for turn in range(max(self._pruned + 1, second - PRUNE_S + 1), second + 1):
            self._prune(turn % PRUNE_S, second, now)
        self._pruned = second
        dt = 1.0 if self._last_tick is None else max(0.0, now - self._last_tick)
        self._last_tick = now
        if self._first_tick is None:
            self._first_tick = now
        for visit in self.visits.judge(second, window.slot, self._fingerprints):
            self._worst[DetectorName.PAGE_FLOOD].add(visit.source, visit.views, second)
        ten = window.ten
        return Snapshot(
            now=now,
            second=second,
            dt=dt,
            age_s=now - self._first_tick,
            just_started=now - self._first_tick < self._policy.young_s and not self._remembers,
            fresh=window.take_fresh(),
            ten=ten,
            sixty=window.sixty,
            long=window.long,
            strangers=self._strangers.count(second),
            fingerprints=self._fingerprints.busiest(second, BUSIEST_FINGERPRINTS),
            slow_fingerprints=self._fingerprints.most_in,
            guessers=lambda about: self._guessers.worst(now, GUESSERS, self.vouched, about),
            prefixes=self._prefixes.busiest(second, BUSIEST_PREFIXES),
            domains=self._domains.busiest(second, BUSIEST_DOMAINS),
            asns=self.origins.busiest(second),
            network=self.origins.knowledge.network,
            distincts=self._distincts,
            baseline=baseline,
            accused=accused,
            ledgers=self._ledgers,
            served=self.vouched,
        )
