"""What a town's service is like: how many use it, what its engines can do, what its doors refuse."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class ServiceShape:
    """A small service, unless a case says otherwise."""

    residents: int = setting(
        400, unit="accounts", doc="Existing users, about half of whom turn up in a run.", source="choice: small, where few acts must do"
    )  # fmt: skip
    sessions: float = setting(
        0.35, unit="1/s", doc="Sittings that existing users begin.", source="choice: with bursts 5 calls a second"
    )  # fmt: skip
    bursts: float = setting(
        0.2, unit="1/s", doc="Bursts of calls by heavy API users.", source="choice: as above"
    )
    burst_calls: float = setting(
        18.0, unit="calls", doc="Mean length of a burst.", source="shape of the DeepSeek-R1 clients: few ask for most, in bursts"
    )  # fmt: skip
    signups: float = setting(0.2, unit="1/s", doc="Honest sign-ups.", source="choice: a small service")
    readers: float = setting(
        0.2, unit="1/s", doc="People who open a page or two, and leave.", source="choice: as many as sign up"
    )
    noise: float = setting(
        0.1, unit="1/s", doc="Calls of scanners and of clients whose key was revoked.", source="choice: any public address has them"
    )  # fmt: skip
    capacity: float = setting(
        24_000.0, unit="tokens/s", doc="What the engines can do.", source="choice: four times the usual load"
    )
    queue_s: float = setting(
        10.0, unit="s", doc="Of work that may wait before calls are refused.", source="choice"
    )
    enforce_s: float = setting(
        0.1, unit="s", doc="From a decision to its being in force at the doors.", source="choice: a message over a Unix socket, with room"
    )  # fmt: skip
    hashes: float = setting(
        40.0, unit="1/s", doc="Passwords that can be hashed.", source="measurement: Argon2id at 19 MiB takes 25 ms of a core"
    )  # fmt: skip
    hash_queue: float = setting(
        32.0, unit="passwords", doc="That may wait for it.", source="accounts.hash_queue"
    )
    signups_per_source: int = setting(
        20, unit="sign-ups", doc="Of one address in an hour.", source="accounts.signups_per_source"
    )
    free_failures: int = setting(
        5, unit="log-ins", doc="Failures of a source or an account before delays begin.", source="accounts.free_failures"
    )  # fmt: skip
    first_delay_s: float = setting(2.0, unit="s", doc="Doubles with each.", source="accounts.first_delay_s")
    longest_delay_s: float = setting(300.0, unit="s", doc="At most.", source="accounts.longest_delay_s")
    stranger_posts: float = setting(
        4.0, unit="1/s", doc="Log-ins and sign-ups from strangers while under attack or recovering.", source="gateway.stranger_posts_per_s"
    )  # fmt: skip
    stranger_burst: float = setting(
        20.0, unit="requests", doc="Of these at once.", source="gateway.stranger_posts_burst"
    )
