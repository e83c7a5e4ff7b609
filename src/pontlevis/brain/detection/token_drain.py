"""Who asks for far more than their share of tokens: young accounts that act alike, and anonymous calls.

That newcomers together ask for much is a crowd. It is a drain when most accounts that *one* sign-up
cluster made are greedy while the others use the service as people do, when the greedy ones came from
few fingerprints, or when they were used within seconds of their sign-up.
"""

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cluster import part
from pontlevis.brain.detection.columns import YOUNG_ACTIVE, YOUNG_GREEDY, total
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.first_use import PromptDrain, WokenDrain
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import confidence, share_at_least
from pontlevis.brain.detection.window import SIXTY, TEN
from pontlevis.brain.detection.wording import few_fingerprints, fingerprints, listed, number, share

ANONYMOUS = (c.ANONYMOUS_OK, c.ANONYMOUS_REFUSED)
TOKENS = (c.TOKENS_ANONYMOUS, c.TOKENS_NEW, c.TOKENS_ELDER)
PROMPT_SHARE = 0.60
"""More greedy accounts than this, used within seconds of their sign-up, were made to be used up."""
HEAVY = 3.0
"""A call without an account is heavy at so many times the tokens of an existing user's."""


class TokenDrain:
    """Looks at ten seconds, and at the sign-ups that the accounts came from."""

    name = DetectorName.TOKEN_DRAIN

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._prompt = PromptDrain(policy)
        self._woken = WokenDrain(policy)

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while young accounts, or calls without one, drain tokens."""
        prompt, woken = self._prompt.look(snapshot), self._woken.look(snapshot)
        young = self._young(snapshot)
        if young is not None and young.hostile:
            return young
        if prompt:
            return self._at_once(snapshot)
        if woken:
            return self._awoken(snapshot)
        return young or self._anonymous(snapshot)

    def _at_once(self, snapshot: Snapshot) -> Statement:
        """What is said of accounts that were made to be used up."""
        drained, made = self._prompt.accounts, self._prompt.made
        usual = max(self._policy.prompt_share, snapshot.baseline.prompt_share)
        likeness = snapshot.likeness((c.PROMPT_DRAINED,), SIXTY)
        alike = (
            likeness.acts >= self._policy.diversity_acts // 2
            and likeness.diversity < self._policy.poor_diversity
        )
        signs = [
            f"{number(drained)} of {number(made)} accounts made in 60 s (usual {share(usual)} at most) asked for more "
            "than a person does",
            "each of them began within seconds of its sign-up",
        ]
        if alike:
            signs.append(few_fingerprints(len(likeness.fingerprints), likeness.share, "sign-ups behind them"))
        return Statement(
            hostile=True,
            confidence=confidence(len(signs), 3 * drained),
            sentence=f"New accounts are used up at once: {listed(signs)}.",
            figures={"drained_at_once": drained, "accounts_made": made, "usual_share": usual},
            fingerprints=likeness.fingerprints if alike else (),
            volume=drained,
        )

    def _awoken(self, snapshot: Snapshot) -> Statement:
        """What is said of accounts that were kept to be used up together."""
        woken, heavy = self._woken.woken, self._woken.heavy
        usual = snapshot.baseline.call_tokens
        tokens = total(snapshot.ten, TOKENS)
        young = snapshot.ten[c.TOKENS_NEW] / tokens if tokens else 0.0
        return Statement(
            hostile=True,
            confidence=confidence(2, 2 * heavy),
            sentence=(
                f"Young accounts ask for {share(young)} of tokens: {number(woken)} were used for the first time within "
                f"60 s, long after they were made, and {number(heavy)} of them began with a call heavier than the usual "
                f"{number(usual)} tokens."
            ),
            figures={
                "woken": woken,
                "began_heavy": heavy,
                "young_token_share": young,
                "usual_call_tokens": usual,
            },
            volume=woken,
        )

    def _young(self, snapshot: Snapshot) -> Statement | None:
        policy = self._policy
        ten = snapshot.ten
        if ten[YOUNG_GREEDY] < policy.greedy_accounts:
            return None
        active, greedy, prompt = snapshot.young()
        parted = part(
            snapshot.fingerprints,
            ten,
            TEN,
            bad=(YOUNG_GREEDY,),
            whole=(YOUNG_ACTIVE,),
            least=policy.greedy_accounts,
            share=policy.greedy_share,
        )
        houses = part(
            snapshot.prefixes,
            ten,
            TEN,
            bad=(YOUNG_GREEDY,),
            whole=(YOUNG_ACTIVE,),
            least=policy.greedy_accounts,
            share=policy.greedy_share,
        )
        everywhere = share_at_least(greedy, active) > policy.greedy_share
        if not (everywhere or parted.condemned or houses.condemned):
            return None
        signs = [f"{number(greedy)} of {number(active)} young accounts are greedy at once"]
        accused = tuple(view.key for view in parted.condemned if view.key)
        likeness = snapshot.likeness((YOUNG_GREEDY,), TEN)
        if parted.apart(policy.rest_share / 2, policy.greedy_accounts):
            made = fingerprints(len(accused))
            part_of = parted.bad / (parted.bad + parted.rest_bad)
            signs.append(f"{share(part_of)} of them were made with {made}, and few of the others are greedy")
        elif likeness.acts >= policy.diversity_acts // 2 and likeness.diversity < policy.poor_diversity:
            accused = accused or likeness.fingerprints
            signs.append(few_fingerprints(len(likeness.fingerprints), likeness.share, "sign-ups behind them"))
        elif houses.apart(policy.rest_share / 2, policy.greedy_accounts):
            part_of = houses.bad / (houses.bad + houses.rest_bad)
            signs.append(f"{share(part_of)} of them were made in one prefix, {houses.condemned[0].key}")
        if share_at_least(prompt, greedy) > PROMPT_SHARE:
            signs.append(f"{number(prompt)} of them were used within seconds of their sign-up")
        refused = ten[c.YOUNG_REFUSED]
        if refused >= policy.flood_acts:
            insisting = max(1, snapshot.ledgers.young_refused.count(snapshot.second))
            if refused > policy.insistence * insisting:
                signs.append(
                    f"{number(insisting)} that were turned away ask {number(refused / insisting)} times each all the same"
                )
        known = [key for key in accused if snapshot.accused_elsewhere(key, self.name)]
        if known:
            signs.append("another finding accuses the same fingerprints")
        tokens = total(ten, TOKENS)
        young = ten[c.TOKENS_NEW] / tokens if tokens else 0.0
        hostile = len(signs) >= 2
        tail = "" if hostile else "; too little to accuse anybody"
        return Statement(
            hostile=hostile,
            confidence=confidence(len(signs), 3 * greedy) if hostile else 0.5,
            sentence=f"Young accounts ask for {share(young)} of tokens: {listed(signs)}{tail}.",
            figures={
                "greedy_accounts": greedy,
                "active_young_accounts": active,
                "young_token_share": young,
                "tokens": tokens,
            },
            fingerprints=accused,
            volume=greedy,
        )

    def _anonymous(self, snapshot: Snapshot) -> Statement | None:
        policy = self._policy
        ten = snapshot.ten
        calls, tokens = total(ten, ANONYMOUS), total(ten, TOKENS)
        if calls < policy.flood_acts or not tokens:
            return None
        taken = ten[c.TOKENS_ANONYMOUS] / tokens
        usual = snapshot.baseline.anonymous_share
        if taken <= max(policy.drain_share, policy.added_ratio * usual):
            return None
        signs = []
        likeness = snapshot.likeness(ANONYMOUS, TEN)
        alike = likeness.acts >= policy.diversity_acts and likeness.diversity < policy.poor_diversity
        if alike:
            signs.append(few_fingerprints(len(likeness.fingerprints), likeness.share, "calls"))
        strangers = max(1, snapshot.strangers)
        if calls > policy.insistence * strangers:
            signs.append(f"each source calls {number(calls / strangers)} times")
        each, usual_each = ten[c.TOKENS_ANONYMOUS] / calls, snapshot.baseline.call_tokens
        if usual_each and each > HEAVY * usual_each:
            signs.append(f"a call asks for {number(each)} tokens where {number(usual_each)} are usual")
        hostile = len(signs) >= 2
        tail = "" if hostile else "; too little to accuse anybody"
        return Statement(
            hostile=hostile,
            confidence=confidence(len(signs), calls) if hostile else 0.5,
            sentence=(
                f"Calls without an account ask for {share(taken)} of tokens in 10 s (usual {share(usual)})"
                f"{': ' if signs else ''}{listed(signs)}{tail}."
            ),
            figures={"anonymous_token_share": taken, "usual": usual, "calls": calls, "tokens": tokens},
            fingerprints=likeness.fingerprints if alike else (),
            volume=calls,
            pushing=ANONYMOUS,
        )
