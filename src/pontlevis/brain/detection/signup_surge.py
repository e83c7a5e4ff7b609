"""Sign-ups far above the usual rate: a crowd, unless a cluster of them shows two hostile signs.

A crowd comes with many browsers, large mailbox providers and scattered prefixes, and uses the service
as people do. The signs are: fingerprints too alike, one uncommon mail domain or nearly only uncommon
ones, one prefix, malformed forms, challenges ignored, accounts drained at once, data centres and VPN
exits far above usual, fingerprints that another finding accuses (accounts of theirs that sleep, for one).
One house (a school, an office) shares prefix, domain and browser at once, so with a prefix those three
are one sign.
"""

from collections import Counter
from dataclasses import dataclass

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cluster import View
from pontlevis.brain.detection.columns import (
    CHALLENGES,
    SIGNUP_INVALID,
    SIGNUP_OK,
    SIGNUPS,
    YOUNG_ACTIVE,
    YOUNG_GREEDY,
    Counts,
    total,
)
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.origins import hosted_sign
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot, still_on
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import Cusum, confidence, share_at_least, share_at_most
from pontlevis.brain.detection.window import SIXTY, TEN
from pontlevis.brain.detection.wording import few_fingerprints, listed, number, share, window

OWN_DOMAIN_SHARE = 0.5
"""One uncommon domain in more than half of a fingerprint's sign-ups is that fingerprint's own."""
SOLVED_SHARE = 0.30
"""Fewer than this who solve a challenge are not people: seven in ten do not give up over a few seconds."""
ELSEWHERE = 0.05
"""The rest hardly knows that domain."""


@dataclass(frozen=True, slots=True)
class Domains:
    """Mail domains of some sign-ups."""

    acts: int
    uncommon: int
    top: str
    """The most frequent uncommon one."""
    top_acts: int


class SignupSurge:
    """Judges the sign-ups of ten seconds, or of a minute while they are few."""

    name = DetectorName.SIGNUP_SURGE

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._cusum = Cusum(policy.surge_ratio, policy.surge_limit)
        self._common = frozenset(policy.common_domains)

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while sign-ups surge; hostile where a cluster of them shows two signs."""
        policy = self._policy
        usual = snapshot.baseline.signups
        # Everybody who means it comes twice where a challenge is asked for: to be asked, and with its solution.
        tries = max(total(snapshot.fresh, SIGNUPS), total(snapshot.fresh, CHALLENGES))
        self._cusum.add(tries, usual * max(snapshot.dt, 0.001), snapshot.baseline.dispersion("signups"))
        seconds = TEN if total(snapshot.ten, SIGNUPS) >= policy.diversity_acts else SIXTY
        counts = snapshot.counts(seconds)
        acts = total(counts, SIGNUPS)
        volume = max(acts, total(counts, CHALLENGES))
        on = still_on(snapshot, SIGNUPS, seconds) or still_on(snapshot, CHALLENGES, seconds)
        if not self._cusum.raised or volume < policy.surge_signups or not on:
            return None
        signs, accused, accused_acts = self._global_signs(snapshot, seconds, acts)
        if len(signs) < 2:
            for view in snapshot.fingerprints:
                found = self._cluster_signs(snapshot, view, seconds)
                if len(found) >= 2:
                    signs = found if not accused_acts else signs
                    accused = (*accused, view.key) if accused_acts else (view.key,)
                    accused_acts += total(view.counts(seconds), SIGNUPS)
        hostile = len(signs) >= 2
        sources = snapshot.signup_sources()
        if acts < volume:
            acts = volume
        head = (
            f"{number(acts)} sign-ups in {window(seconds)} from {number(sources)} sources in the last minute "
            f"(usual {number(usual * seconds)})"
        )
        if hostile:
            sentence = f"{head}: {listed(signs)}."
        elif signs:
            sentence = f"{head}: {listed(signs)}, too little to accuse anybody."
        else:
            sentence = f"{head}, as diverse as people are: a crowd."
        volume = accused_acts or acts
        return Statement(
            hostile=hostile,
            confidence=confidence(len(signs), volume) if hostile else 0.5,
            sentence=sentence,
            figures={
                "signups": acts,
                "window_s": seconds,
                "usual_signups": usual * seconds,
                "sources": sources,
                "accused_signups": accused_acts if hostile else 0,
            },
            fingerprints=accused if hostile else (),
            volume=round(volume * TEN / seconds),
            pushing=(c.SIGNUP_REFUSED, SIGNUP_INVALID, *CHALLENGES),
        )

    def _global_signs(
        self, snapshot: Snapshot, seconds: int, acts: int
    ) -> tuple[list[str], tuple[int, ...], int]:
        """Signs of all sign-ups together, whom they accuse, and with how many of the sign-ups."""
        policy = self._policy
        counts = snapshot.counts(seconds)
        likenesses = []
        accused: tuple[int, ...] = ()
        likeness = snapshot.likeness((*SIGNUPS, *CHALLENGES), seconds)
        if likeness.acts >= policy.diversity_acts and likeness.diversity < policy.poor_diversity:
            accused = likeness.fingerprints
            likenesses.append(few_fingerprints(len(accused), likeness.share, "sign-ups"))
        domains = self._domains(snapshot, seconds, None)
        sign = self._domain_sign(domains, policy.domain_share, policy.uncommon_share)
        if sign:
            likenesses.append(sign)
        prefix = max(snapshot.prefixes, key=lambda view: total(view.counts(seconds), SIGNUPS), default=None)
        in_prefix = total(prefix.counts(seconds), SIGNUPS) if prefix is not None else 0
        if prefix is not None and share_at_least(in_prefix, acts) > policy.domain_share:
            likenesses.append(f"{share(in_prefix / acts)} come from {prefix.key}")
            likenesses = [listed(likenesses) + " (one house would explain that)"]
        signs = likenesses
        invalid = counts[SIGNUP_INVALID]
        if acts >= policy.diversity_acts and share_at_least(invalid, acts) > policy.invalid_share:
            signs.append(f"{share(invalid / acts)} of the forms are malformed")
        active, greedy, _ = snapshot.young()
        if greedy >= policy.greedy_accounts and share_at_least(greedy, active) > policy.greedy_share:
            signs.append(f"{number(greedy)} of {number(active)} young accounts drain tokens at once")
        hosted = hosted_sign(snapshot, policy, SIGNUPS, counts, "the sign-ups")
        if hosted:
            signs.append(hosted)
        signs += self._challenge_sign(snapshot.ten, snapshot.sixty, "")
        known = [key for key in accused if snapshot.accused_elsewhere(key, self.name)]
        if known:
            signs.append("another finding accuses the same fingerprints")
        return signs, accused, round(likeness.share * likeness.acts) if accused else 0

    def _cluster_signs(self, snapshot: Snapshot, view: View[int], seconds: int) -> list[str]:
        """Signs of the sign-ups of one fingerprint, against the rest of them."""
        policy = self._policy
        counts, everyone = view.counts(seconds), snapshot.counts(seconds)
        acts = max(total(counts, SIGNUPS), total(counts, CHALLENGES))
        lately = max(total(view.ten, SIGNUPS), total(view.ten, CHALLENGES))
        goes_on = seconds <= TEN or lately >= acts * TEN / seconds / 3
        if not view.key or acts < policy.cluster_acts or not goes_on:
            return []
        head = f"of fingerprint {view.key:08x}'s {number(acts)}"
        signs = []
        here, elsewhere = self._domains(snapshot, seconds, view.key), self._domains(snapshot, seconds, None)
        top = self._domain_sign(here, OWN_DOMAIN_SHARE, policy.uncommon_share)
        if top and self._apart(snapshot, seconds, here, elsewhere, view.key):
            signs.append(f"{head}, {top}")
        invalid, all_invalid = counts[SIGNUP_INVALID], everyone[SIGNUP_INVALID]
        rest = total(everyone, SIGNUPS) - acts
        rest_invalid = (all_invalid - invalid) / rest if rest > 0 else 0.0
        if share_at_least(invalid, acts) > policy.invalid_share and rest_invalid <= policy.rest_share:
            signs.append(f"{head}, {share(invalid / acts)} are malformed")
        greedy, active = view.ten[YOUNG_GREEDY], max(view.ten[YOUNG_ACTIVE], view.ten[YOUNG_GREEDY])
        others = snapshot.ten[YOUNG_ACTIVE] - active
        others_greedy = snapshot.ten[YOUNG_GREEDY] - greedy
        if greedy >= policy.greedy_accounts and share_at_least(greedy, active) > policy.greedy_share:
            signs.append(f"{share(greedy / active)} of its active accounts drain tokens at once")
            if others >= policy.greedy_accounts and others_greedy <= policy.rest_share / 2 * others:
                signs.append(f"of the other young accounts {share(others_greedy / others)} do")
        hosted = hosted_sign(snapshot, policy, SIGNUPS, counts, "them")
        elsewhere_hosted = everyone[c.HOSTED_SIGNUPS] - counts[c.HOSTED_SIGNUPS]
        if hosted and rest >= policy.surge_signups and elsewhere_hosted <= policy.rest_share * rest:
            signs.append(f"{head}, {hosted}, and of the others {share(elsewhere_hosted / rest)}")
        unsolved = self._challenge_sign(view.ten, view.sixty, f"of fingerprint {view.key:08x}'s, ")
        signs += unsolved
        asked = total(snapshot.sixty, CHALLENGES) - total(view.sixty, CHALLENGES)
        solved = snapshot.sixty[SIGNUP_OK] - view.sixty[SIGNUP_OK]
        if unsolved and asked >= policy.least_acts and solved >= asked / 2:
            signs.append(
                f"of the others' {number(asked)} challenges {share(min(1.0, solved / asked))} were solved"
            )
        if snapshot.accused_elsewhere(view.key, self.name):
            signs.append(f"another finding accuses fingerprint {view.key:08x}")
        return signs

    def _challenge_sign(self, ten: Counts, sixty: Counts, whose: str) -> list[str]:
        """That challenges are ignored or failed: by those who had ten seconds and more to solve them."""
        asked = total(sixty, CHALLENGES) - total(ten, CHALLENGES)
        if asked < self._policy.least_acts or share_at_most(sixty[SIGNUP_OK], asked) >= SOLVED_SHARE:
            return []
        failed = sixty[c.CHALLENGE_FAILED]
        wrong = f" ({number(failed)} solutions were wrong)" if failed else ""
        return [
            f"{whose}{number(asked)} were asked for a challenge and {number(sixty[SIGNUP_OK])} solved it{wrong}"
        ]

    def _domains(self, snapshot: Snapshot, seconds: int, fingerprint: int | None) -> Domains:
        """Mail domains of one fingerprint's sign-ups, or of all."""
        counter: Counter[str] = Counter()
        for view in snapshot.domains:
            # A sign-up turned away at the door was never asked for its address.
            if view.key[1] and (fingerprint is None or view.key[0] == fingerprint):
                counter[view.key[1]] += total(view.counts(seconds), SIGNUPS)
        uncommon = Counter({name: n for name, n in counter.items() if name not in self._common})
        top, top_acts = uncommon.most_common(1)[0] if uncommon else ("", 0)
        return Domains(counter.total(), uncommon.total(), top, top_acts)

    def _domain_sign(self, domains: Domains, top_share: float, uncommon_share: float) -> str:
        """A conspicuous domain, or too many uncommon ones; empty where there is neither."""
        if domains.acts < self._policy.surge_signups:
            return ""
        if share_at_least(domains.top_acts, domains.acts) > top_share:
            return f"{share(domains.top_acts / domains.acts)} have addresses at {domains.top}"
        if domains.acts < self._policy.diversity_acts:
            return ""
        if share_at_least(domains.uncommon, domains.acts) > uncommon_share:
            return f"{share(domains.uncommon / domains.acts)} have addresses at uncommon domains"
        return ""

    def _apart(
        self, snapshot: Snapshot, seconds: int, here: Domains, everywhere: Domains, fingerprint: int
    ) -> bool:
        """Whether the other sign-ups have other domains, so that the domain marks the cluster."""
        rest = everywhere.acts - here.acts
        if rest < self._policy.surge_signups:
            return False
        if share_at_least(here.top_acts, here.acts) > OWN_DOMAIN_SHARE:
            of_top = sum(
                total(view.counts(seconds), SIGNUPS)
                for view in snapshot.domains
                if view.key[1] == here.top and view.key[0] != fingerprint
            )
            return of_top <= ELSEWHERE * rest
        return everywhere.uncommon - here.uncommon <= 0.65 * rest
