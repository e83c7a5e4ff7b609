"""The January case on loopback: who does what, when, and how much of it.

All times are seconds from the beginning of a run. Hostile load is a multiple of what the engine can
serve. The traffic is synthetic on real load shapes: no labelled set of such an attack is public.
"""

from dataclasses import dataclass, replace

from pontlevis.simulation.engine import EngineShape
from pontlevis.simulation.load_shape import LoadShape


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a drill's plan depends on, but the seed."""

    calm_s: float = 12.0
    """Before anything happens; all that detection learns of the service."""
    surge_at: float = 12.0
    """Honest people begin to sign up."""
    attack_at: float = 18.0
    brute_force_at: float = 20.0
    signup_flood_at: float = 22.0
    drain_at: float = 24.0
    """Sleeper accounts and fresh ones begin to drain tokens."""
    wave_at: float = 36.0
    wave_end: float = 43.0
    attack_end: float = 50.0
    surge_end: float = 50.0
    end_s: float = 78.0
    """The recovery is watched until then."""
    baseline_end: float = 50.0

    engine: EngineShape = EngineShape(  # noqa: RUF009 - frozen
        slots=16, prefill_rate=12_000.0, decode_rate=30.0, total_decode_rate=480.0, kv_tokens=32_768
    )
    shape: LoadShape = LoadShape(length_scale=0.2)  # noqa: RUF009 - frozen
    """Azure's lengths at a fifth: mean input 231, mean output 42 tokens."""
    existing_users: int = 60
    existing_rate: float = 4.0
    """Requests a second of existing users: two fifths of the engine."""
    calm_signups: float = 0.3
    """Sign-ups a second on an ordinary day."""
    surge_signups: float = 3.0
    """The same in the viral surge: tenfold."""
    login_rate: float = 0.5
    """Existing users' log-ins a second; one in twelve with a wrong password first."""

    host: str = "127.0.0.1"
    """Loopback address on which the service listens and is attacked."""
    engine_url: str = ""
    """A real engine to play against, on loopback; empty: the simulator of ``engine``'s shape is started."""
    model: str = "pontlevis-sim"
    capacity_rate: float = 11.0
    """Requests a second that the engine can serve: 480 tokens/s at 42 tokens each."""
    flood_multiple: float = 10.0
    wave_multiple: float = 100.0
    proxies: int = 300
    """Incident reports name hundreds to a few thousand addresses."""
    brute_force_rate: float = 25.0
    brute_force_sources: int = 400
    signup_flood_rate: float = 8.0
    signup_sources: int = 250
    sleepers: int = 40
    """Accounts that the attacker made one to three days before."""
    drain_tokens: int = 200
    """Output asked for by a drain: five times an honest answer."""
    bots: int = 900
    """Addresses of the botnet wave."""

    @property
    def posture_scale(self) -> float:
        """By which the posture's dwell and recovery times are made shorter: minutes become seconds."""
        return 1 / 60


def at_engine(scenario: Scenario, url: str, model: str, capacity_rate: float) -> Scenario:
    """The same case before a real engine that was measured to serve ``capacity_rate`` requests a second."""
    share = scenario.existing_rate / scenario.capacity_rate
    return replace(
        scenario,
        engine_url=url,
        model=model,
        capacity_rate=capacity_rate,
        existing_rate=share * capacity_rate,
    )


def with_hostile_load(scenario: Scenario, multiple: float) -> Scenario:
    """Hostile load of ``multiple`` times what the engine serves all along; in the wave, if that is more, a hundred times."""
    return replace(scenario, flood_multiple=multiple, wave_multiple=max(multiple, scenario.wave_multiple))


QUICK = Scenario(
    calm_s=6.0, surge_at=6.0, attack_at=8.0, brute_force_at=8.5, signup_flood_at=9.0, drain_at=9.5,
    wave_at=16.0, wave_end=18.0, attack_end=20.0, surge_end=20.0, end_s=48.0, baseline_end=20.0,
)  # fmt: skip
"""For tests: the same case in half a minute."""
