"""Every constant that steers posture, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting
from pontlevis.brain.vocabulary import RegistrationMode


@dataclass(frozen=True, slots=True)
class PosturePolicy:
    """The settings of posture.

    Raises ValueError for a ramp that does not rise to 1, a time scale that is not positive, or a longest
    time that is shorter than the one it bounds.
    """

    enabled: bool = setting(
        True,
        unit="yes/no",
        doc="Whether posture moves by itself; an operator's orders count in any case.",
        source="choice: on",
    )
    dry_run: bool = setting(
        False,
        unit="yes/no",
        doc="Say what the machine would do, and leave the service as it is.",
        source="choice: off",
    )
    time_scale: float = setting(
        1.0,
        unit="ratio",
        doc="Multiplies every dwell and recovery time below that says so; drills use less than 1.",
        source="choice: real time",
    )
    hostile_sustained_s: float = setting(
        2.0,
        unit="s",
        doc="A hostile finding stands this long before it raises the posture to elevated, or steps back "
        "the recovery. Not scaled.",
        source="choice: three ticks agree; ten seconds from attack to posture leave room for it",
    )
    busy_sustained_s: float = setting(
        10.0,
        unit="s",
        doc="Existing users wait beyond the objective this long before the posture is elevated. Not scaled.",
        source="choice: a hiccup of the engine is no reason",
    )
    agreement_s: float = setting(
        1.0,
        unit="s",
        doc="Two independent findings, or one and impact, stand together this long before the posture is "
        "under_attack. Not scaled.",
        source="choice: two ticks agree",
    )
    elevated_calm_s: float = setting(
        120.0,
        unit="s",
        doc="Neither a hostile finding nor impact for this long before elevated ends. Scaled.",
        source="choice: longer than the pauses of a pulsing flood",
    )
    elevated_calm_max_s: float = setting(
        900.0,
        unit="s",
        doc="It doubles with each return within relapse_memory_s, up to this. Scaled.",
        source="choice: longer than the pauses of ten-minute pulses, so that they stop moving the posture",
    )
    under_attack_dwell_s: float = setting(
        120.0, unit="s", doc="Under attack lasts at least this long. Scaled.", source="choice: no flapping"
    )
    evidence_gone_s: float = setting(
        300.0,
        unit="s",
        doc="No hostile finding for this long before recovery begins. Scaled.",
        source="choice: half of the ten minutes within which reopening must begin",
    )
    evidence_gone_growth_s: float = setting(
        60.0,
        unit="s",
        doc="Added to it for each relapse, up to the longest. Scaled.",
        source="choice: pulses of a few minutes then find the bridge still up",
    )
    evidence_gone_max_s: float = setting(
        540.0,
        unit="s",
        doc="Longest wait for the evidence to be gone. Scaled.",
        source="choice: with the findings' linger below ten minutes",
    )
    impact_patience_s: float = setting(
        540.0,
        unit="s",
        doc="Evidence gone for this long starts recovery even while existing users wait beyond the "
        "objective: then it is load, not an attack. Scaled.",
        source="choice: below ten minutes",
    )
    ramp: tuple[float, ...] = setting(
        (0.05, 0.25, 0.5, 1.0),
        unit="share of registrations",
        doc="Registrations let through in each stage of recovery; the last is 1.",
        source="choice: 5, 25, 50, 100 percent",
    )
    stage_s: float = setting(
        600.0,
        unit="s",
        doc="Length of one stage of recovery. Scaled.",
        source="choice: four stages outlast a wave of 35 minutes",
    )
    stage_growth: float = setting(
        0.5,
        unit="ratio",
        doc="How much longer a stage grows with each relapse.",
        source="choice: attackers that pulse meet a slower bridge",
    )
    stage_max_s: float = setting(
        1800.0, unit="s", doc="Longest stage. Scaled.", source="choice: half an hour"
    )
    stage_patience: float = setting(
        3.0,
        unit="stages",
        doc="Impact without a hostile finding holds a stage for at most this many stage lengths.",
        source="choice: load alone must not keep the bridge up",
    )
    step_back_s: float = setting(
        30.0,
        unit="s",
        doc="A hostile finding that goes on for this long in recovery steps back again; from the first stage "
        "it leads to under_attack. Scaled.",
        source="choice",
    )
    relapse_memory_s: float = setting(
        21_600.0,
        unit="s",
        doc="An attack within this time after the last one ended counts as its relapse. Scaled.",
        source="choice: six hours, several waves of an hour",
    )
    elevated_registration: RegistrationMode = setting(  # noqa: RUF009 - an enum member is immutable
        RegistrationMode.OPEN,
        unit="registration mode",
        doc="Who may register while the posture is elevated.",
        source="choice: a crowd alone must not close the door",
    )
    elevated_registration_accused: RegistrationMode = setting(  # noqa: RUF009 - likewise
        RegistrationMode.WAITLIST,
        unit="registration mode",
        doc="The same while a hostile finding accuses the sign-ups themselves.",
        source="choice: one finding does not suspend; the waitlist keeps honest people's places",
    )
    hold_max_s: float = setting(
        86_400.0,
        unit="s",
        doc="Longest hold of a posture that an operator forces, and the hold where none is named. Not scaled.",
        source="choice: a forgotten hold ends within a day",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "posture")
        rising = all(low < high for low, high in zip(self.ramp, self.ramp[1:], strict=False))
        if not self.ramp or not rising or self.ramp[0] <= 0 or self.ramp[-1] != 1.0:
            raise ValueError("posture.ramp must rise from above 0 to 1.0")
        if not self.time_scale > 0:
            raise ValueError("posture.time_scale must be greater than 0")
        for name in ("elevated_calm", "evidence_gone", "stage"):
            if getattr(self, f"{name}_max_s") < getattr(self, f"{name}_s"):
                raise ValueError(f"posture.{name}_max_s must not be less than posture.{name}_s")

    def scaled(self, seconds: float) -> float:
        """``seconds`` of dwell or recovery as the time scale has them."""
        return seconds * self.time_scale
