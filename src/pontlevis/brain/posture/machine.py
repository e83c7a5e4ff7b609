"""The posture machine: judgements and orders go in, transitions come out.

normal → elevated → under_attack → recovering (in stages) → normal. Up within seconds, on evidence of
two kinds; down slowly, by dwell times and stages that grow with each relapse, so that an attack in
waves does not make the bridge flap.
"""

import msgspec

from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.posture.evidence import Evidence
from pontlevis.brain.posture.ladder import (
    arrive,
    calm_length,
    evidence_gone_length,
    fit,
    registration,
    stage_length,
)
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, Verdict

MACHINE = "posture"
"""The actor of transitions that nobody ordered."""


class PostureMachine:
    """Steers one service's posture. ``state`` is what was last persisted, after a restart."""

    def __init__(self, policy: PosturePolicy, state: PostureState | None = None) -> None:
        self._policy = policy
        # Nobody watched while the service was down: the quiet before counts for nothing.
        self._enforced = msgspec.structs.replace(
            fit(policy, state or PostureState()), evidence_gone_since=None
        )
        self._begun = False
        self._planned = self._enforced
        """Where the machine would be: the enforced state itself, except in a dry run."""
        self._evidence = Evidence(policy)
        self._stepped_at: float | None = None
        self._stage_overdue_since: float | None = None

    @property
    def state(self) -> PostureState:
        """The posture in force."""
        return self._enforced

    @property
    def planned(self) -> PostureState:
        """What the machine would have in force; differs from ``state`` only in a dry run."""
        return self._planned if self.dry_run else self._enforced

    @property
    def dry_run(self) -> bool:
        """Whether the machine only says what it would do: an operator's word, or else the policy's."""
        said = self._enforced.dry_run
        return self._policy.dry_run if said is None else said

    @property
    def policy(self) -> PosturePolicy:
        """What the machine goes by now."""
        return self._policy

    def tick(self, now: float, judgement: Judgement) -> list[Transition]:
        """Weighs one judgement; call once a second. Returns the changes it made, in order."""
        self._evidence.take(now, judgement)
        if not self._begun:
            self._begin(now)
        changes: list[Transition] = []
        held = self._enforced.held_until
        if self._enforced.held_by is not None and held is not None and now >= held:
            by = self._enforced.held_by
            changes.append(self._let_go(now, f"The hold by {by} has ended.", actor=MACHINE))
        self._note(now)
        if self._policy.enabled and (self.dry_run or self._enforced.held_by is None):
            change = self._steer(now)
            if change is not None:
                changes.append(change)
        return changes

    def _begin(self, now: float) -> None:
        """At the first tick: a stage that ended while nobody watched begins anew."""
        self._begun = True
        due = self._enforced.next_stage_at
        if due is not None and due <= now:
            self._replace_quietly(msgspec.structs.replace(self._enforced, next_stage_at=None))

    def adopt(self, now: float, policy: PosturePolicy, *, reason: str, actor: str) -> list[Transition]:
        """Goes by another policy from now on, without forgetting what stands.

        A transition where the rung that stands means something else for registration now.
        """
        self._policy = self._evidence.policy = policy
        state = fit(policy, self._enforced)
        self._planned = fit(policy, self._planned) if self.dry_run else state
        mode, share = registration(policy, state.posture, state.stage, accused=state.signups_accused)
        if (mode, share) == (state.registration, state.registration_share):
            self._enforced = state
            return []
        after = msgspec.structs.replace(
            state,
            registration=mode,
            registration_share=share,
            registration_since=now if mode is not state.registration else state.registration_since,
        )
        return [self._enforce(now, after, reason, actor=actor)]

    # -- an operator's word; with ``dry_run`` the transition is told and nothing changes

    def force(
        self,
        now: float,
        *,
        posture: Posture,
        reason: str,
        actor: str,
        hold_s: float | None,
        dry_run: bool = False,
    ) -> Transition:
        """Puts a posture in force by an operator's order, and holds it there.

        ``hold_s``: seconds that the machine leaves it alone; None or more than the policy's longest
        hold means that longest. Raises ValueError for a hold that is not positive.
        """
        until = self._until(now, hold_s)
        arrived = arrive(self._policy, self._enforced, now, posture, reason)
        after = msgspec.structs.replace(arrived, held_by=actor, held_until=until, next_stage_at=None)
        return self._order(now, after, reason, actor=actor, dry_run=dry_run)

    def hold(
        self, now: float, *, reason: str, actor: str, hold_s: float | None, dry_run: bool = False
    ) -> Transition:
        """Leaves what stands as it is, stage and all, for so long. As ``force`` otherwise."""
        after = msgspec.structs.replace(
            self._enforced, held_by=actor, held_until=self._until(now, hold_s), next_stage_at=None
        )
        return self._order(now, after, reason, actor=actor, dry_run=dry_run)

    def release(self, now: float, *, actor: str, reason: str, dry_run: bool = False) -> list[Transition]:
        """Ends a hold; the machine steers again from the posture that stands. Nothing where none is held."""
        if self._enforced.held_by is None:
            return []
        return [self._order(now, self._let_loose(now), reason, actor=actor, dry_run=dry_run)]

    def set_dry_run(self, now: float, on: bool | None, *, actor: str, reason: str) -> list[Transition]:
        """Whether the machine only says what it would do; None: as the policy says. It lasts over a restart."""
        if on is self._enforced.dry_run:
            return []
        by = None if on is None else actor
        after = msgspec.structs.replace(self._enforced, dry_run=on, dry_run_by=by)
        return [self._enforce(now, after, reason, actor=actor)]

    def _until(self, now: float, hold_s: float | None) -> float:
        if hold_s is not None and not hold_s > 0:
            raise ValueError("a hold must last longer than 0 seconds")
        longest = self._policy.hold_max_s
        return now + (longest if hold_s is None else min(hold_s, longest))

    def _order(
        self, now: float, after: PostureState, reason: str, *, actor: str, dry_run: bool
    ) -> Transition:
        if dry_run:
            return Transition(now, self._enforced, after, reason, self._evidence.ids, actor, dry_run=True)
        return self._enforce(now, after, reason, actor=actor)

    def _let_go(self, now: float, reason: str, *, actor: str) -> Transition:
        return self._enforce(now, self._let_loose(now), reason, actor=actor)

    def _let_loose(self, now: float) -> PostureState:
        state = self._enforced
        recovering = state.posture is Posture.RECOVERING
        return msgspec.structs.replace(
            state,
            held_by=None,
            held_until=None,
            next_stage_at=now + stage_length(self._policy, state.relapses) if recovering else None,
        )

    def _enforce(self, now: float, after: PostureState, reason: str, *, actor: str) -> Transition:
        change = Transition(now, self._enforced, after, reason, self._evidence.ids, actor)
        self._enforced = after
        self._planned = after
        return change

    def _note(self, now: float) -> None:
        """Keeps verdict and the time since when the evidence is gone; neither is a change of posture."""
        verdict = self._evidence.verdict
        self._enforced = self._noted(self._enforced, verdict, now)
        self._planned = self._noted(self._planned, verdict, now) if self.dry_run else self._enforced

    def _noted(self, state: PostureState, verdict: Verdict, now: float) -> PostureState:
        hostile = self._evidence.hostile_since is not None
        gone = self._evidence.quiet if state.posture is Posture.ELEVATED else not hostile
        since = None if not gone else now if state.evidence_gone_since is None else state.evidence_gone_since
        if state.verdict is verdict and state.evidence_gone_since == since:
            return state
        return msgspec.structs.replace(state, verdict=verdict, evidence_gone_since=since)

    def _steer(self, now: float) -> Transition | None:
        before = self.planned
        after, reason = self._next(before, now)
        if after is None:
            return None
        if not self.dry_run:
            return self._enforce(now, after, reason, actor=MACHINE)
        self._planned = after
        return Transition(now, before, after, reason, self._evidence.ids, MACHINE, dry_run=True)

    def _next(self, state: PostureState, now: float) -> tuple[PostureState | None, str]:
        attack = self._evidence.attack(now)
        if attack is not None and state.posture is not Posture.UNDER_ATTACK:
            return self._under_attack(state, now, attack), attack
        if state.posture is Posture.NORMAL:
            return self._from_normal(state, now)
        if state.posture is Posture.ELEVATED:
            return self._from_elevated(state, now)
        if state.posture is Posture.UNDER_ATTACK:
            return self._from_under_attack(state, now)
        return self._from_recovering(state, now)

    def _under_attack(self, state: PostureState, now: float, reason: str) -> PostureState:
        again = state.posture is Posture.RECOVERING or self._lately(state.attacked_at, now)
        relapses = state.relapses + 1 if again else 0
        arrived = arrive(self._policy, state, now, Posture.UNDER_ATTACK, reason)
        return msgspec.structs.replace(arrived, relapses=relapses, attacked_at=now)

    def _lately(self, last: float | None, now: float) -> bool:
        return last is not None and now - last < self._policy.scaled(self._policy.relapse_memory_s)

    def _from_normal(self, state: PostureState, now: float) -> tuple[PostureState | None, str]:
        reason = self._evidence.concern(now)
        if reason is None:
            return None, ""
        arrived = self._elevated(state, now, reason, 0.0)
        again = self._lately(state.alarmed_at, now)
        return msgspec.structs.replace(arrived, alarms=state.alarms + 1 if again else 0), reason

    def _from_elevated(self, state: PostureState, now: float) -> tuple[PostureState | None, str]:
        calm = calm_length(self._policy, state.alarms)
        if state.evidence_gone_since is not None and now - state.evidence_gone_since >= calm:
            reason = f"Neither a hostile finding nor impact for {calm:.0f} s."
            arrived = arrive(self._policy, state, now, Posture.NORMAL, reason)
            return msgspec.structs.replace(arrived, alarmed_at=now), reason
        after = self._elevated(state, now, state.reason, calm)
        if (after.signups_accused, after.logins_accused) == (state.signups_accused, state.logins_accused):
            return None, ""
        said = []
        for name, new, old in (
            ("sign-ups", after.signups_accused, state.signups_accused),
            ("log-ins", after.logins_accused, state.logins_accused),
        ):
            if new and not old:
                said.append(f"The {name} are accused: {self._evidence.said()}")
            elif old and not new:
                said.append(f"Nobody has accused the {name} for {calm:.0f} s.")
        reason = " ".join(said)
        return msgspec.structs.replace(after, reason=reason), reason

    def _elevated(self, state: PostureState, now: float, reason: str, calm_s: float) -> PostureState:
        """``state`` in elevated, with whom the evidence accuses now."""
        evidence = self._evidence
        return arrive(
            self._policy,
            state,
            now,
            Posture.ELEVATED,
            reason,
            signups_accused=evidence.signups_accused(now, state.signups_accused, calm_s),
            logins_accused=evidence.logins_accused(now, state.logins_accused, calm_s),
        )

    def _from_under_attack(self, state: PostureState, now: float) -> tuple[PostureState | None, str]:
        policy = self._policy
        gone_since = state.evidence_gone_since
        dwelt = now - state.since >= policy.scaled(policy.under_attack_dwell_s)
        if gone_since is None or not dwelt:
            return None, ""
        gone = now - gone_since
        if gone < evidence_gone_length(policy, state.relapses):
            return None, ""
        busy = self._evidence.busy_since is not None
        if busy and gone < policy.scaled(policy.impact_patience_s):
            return None, ""
        served = "still wait, for load alone" if busy else "are served within the objective"
        reason = (
            f"No hostile finding for {gone:.0f} s and existing users {served}: "
            f"{policy.ramp[0]:.0%} of registrations are let through."
        )
        self._stepped_at = self._stage_overdue_since = None
        arrived = arrive(policy, state, now, Posture.RECOVERING, reason)
        return msgspec.structs.replace(arrived, attacked_at=gone_since), reason

    def _from_recovering(self, state: PostureState, now: float) -> tuple[PostureState | None, str]:
        if self._evidence.hostile_since is not None:
            return self._relapse(state, now)
        self._stepped_at = None
        if state.next_stage_at is None:
            at = now + stage_length(self._policy, state.relapses)
            self._replace_quietly(msgspec.structs.replace(state, next_stage_at=at))
            return None, ""
        if now < state.next_stage_at or self._held_by_impact(state, now):
            return None, ""
        self._stage_overdue_since = None
        stage = state.stage + 1
        if stage >= len(self._policy.ramp):
            reason = "Every stage of recovery has passed without a relapse."
            return arrive(self._policy, state, now, Posture.NORMAL, reason), reason
        reason = f"No relapse at {self._policy.ramp[state.stage]:.0%}: {self._policy.ramp[stage]:.0%} are let through."
        return arrive(self._policy, state, now, Posture.RECOVERING, reason, stage=stage), reason

    def _held_by_impact(self, state: PostureState, now: float) -> bool:
        """Whether a due stage waits because existing users do; for a bounded time."""
        if self._evidence.busy_since is None:
            return False
        if self._stage_overdue_since is None:
            self._stage_overdue_since = now
        patience = self._policy.stage_patience * stage_length(self._policy, state.relapses)
        return now - self._stage_overdue_since < patience

    def _relapse(self, state: PostureState, now: float) -> tuple[PostureState | None, str]:
        """One hostile finding in recovery: never a stage up, a step back while it stands."""
        policy = self._policy
        length = stage_length(policy, state.relapses)
        self._replace_quietly(msgspec.structs.replace(state, next_stage_at=now + length))
        due = self._stepped_at is None or now - self._stepped_at >= policy.scaled(policy.step_back_s)
        if not due or not self._evidence.lasting_hostile(now):
            return None, ""
        if state.stage == 0 and self._stepped_at is not None:
            reason = f"The attack is back in the first stage of recovery: {self._evidence.said()}"
            return self._under_attack(state, now, reason), reason
        self._stepped_at = now
        if state.stage == 0:
            return None, ""
        stage = state.stage - 1
        reason = f"A step back to {policy.ramp[stage]:.0%} of registrations: {self._evidence.said()}"
        return arrive(policy, state, now, Posture.RECOVERING, reason, stage=stage), reason

    def _replace_quietly(self, state: PostureState) -> None:
        """Moves a deadline without a transition."""
        if self.dry_run:
            self._planned = state
        else:
            self._enforced = state
            self._planned = state
