"""Every constant that steers sign-up, log-in, sessions and keys, with unit, default and source."""

from dataclasses import dataclass
from enum import StrEnum

from pontlevis.brain.setting import check_numbers, setting

HOUR_S = 3_600.0
DAY_S = 86_400.0


class Verification(StrEnum):
    """What becomes of addresses that nobody has confirmed."""

    OFF = "off"
    ASK = "ask"
    """A letter goes out; the account may be used meanwhile."""
    REQUIRED = "required"
    """The account may not be used before; and sign-up does not tell who has an account."""


class OperatorFactor(StrEnum):
    """Whether the operator's listener asks for a second factor."""

    OFF = "off"
    WHEN_SET = "when_set"
    """Of whoever has one."""
    REQUIRED = "required"
    """Who has none is not let in."""


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """The settings of the account rooms."""

    session_lifetime_s: float = setting(
        14 * DAY_S,
        unit="s",
        doc="How long a session lasts.",
        source="choice: two weeks, within OWASP ASVS 4.0 V3.3 level 1 (30 days)",
    )
    sessions_per_account: int = setting(
        50,
        unit="sessions",
        doc="At once; the oldest ends when another begins.",
        source="choice: more than one person has devices",
    )
    keys_per_account: int = setting(
        50,
        unit="keys",
        doc="Not revoked, of one account.",
        source="choice: bounds what a stolen session can mint",
    )
    key_makings_per_hour: int = setting(
        200,
        unit="keys",
        doc="Made or rotated by one account within an hour.",
        source="choice: a build server that makes a key for each job; without it one account's loop would fill the database",
    )
    key_overlap_s: float = setting(
        DAY_S,
        unit="s",
        doc="How long a rotated key's old secret works beside the new one where the rotation does not say.",
        source="choice: a day to bring the new one everywhere",
    )
    longest_key_overlap_s: float = setting(
        7 * DAY_S,
        unit="s",
        doc="The longest that a rotation may ask for.",
        source="choice: a week; what needs longer is a second key",
    )
    leak_reports_per_source: int = setting(
        60,
        unit="reports",
        doc="Of leaked keys, from one address (or /64) within ``signup_window_s``; signed ones are not counted.",
        source="choice: far more than anybody finds by hand",
    )
    leak_reporters: str = setting(
        "",
        unit="path",
        doc="Public keys by which reports of leaked keys may be signed (ECDSA P-256): a JSON file, "
        '`{"public_keys":[{"key_identifier","key"}]}` with PEM, as GitHub gives them out for secret scanning. '
        "Empty: only unsigned reports are taken.",
        source="choice: whoever shows a secret has proved that it leaked",
    )
    argon2_memory_kib: int = setting(
        19_456, unit="KiB", doc="Argon2id memory.", source="OWASP Password Storage Cheat Sheet"
    )
    argon2_passes: int = setting(
        2, unit="passes", doc="Argon2id time cost.", source="OWASP Password Storage Cheat Sheet"
    )
    argon2_lanes: int = setting(
        1, unit="lanes", doc="Argon2id parallelism.", source="OWASP Password Storage Cheat Sheet"
    )
    hash_threads: int = setting(
        1,
        unit="threads",
        doc="Passwords hashed at once.",
        source="choice: half of a small machine's cores, so that the gateway keeps its own",
    )
    hash_queue: int = setting(
        32,
        unit="passwords",
        doc="That may wait to be hashed, from unfamiliar sources; as many again from familiar ones.",
        source="choice: about a second of work",
    )
    password_min: int = setting(
        10,
        unit="characters",
        doc="Shortest password.",
        source="OWASP ASVS 4.0 V2.1.1 asks 12, NIST SP 800-63B 8",
    )
    password_max: int = setting(
        128, unit="characters", doc="Longest password.", source="OWASP ASVS 4.0 V2.1.2"
    )
    free_failures: int = setting(
        5,
        unit="log-ins",
        doc="Failures of a source or an account before delays begin.",
        source="CrowdSec's generic brute-force scenario: 5",
    )
    first_delay_s: float = setting(
        2.0, unit="s", doc="The first delay; it doubles with each failure.", source="choice"
    )
    longest_delay_s: float = setting(
        300.0, unit="s", doc="The longest delay; nobody is ever locked out.", source="choice"
    )
    delay_memory_s: float = setting(
        3_600.0,
        unit="s",
        doc="After which failures are forgotten.",
        source="choice: an hour without a failure",
    )
    signups_per_source: int = setting(
        20,
        unit="sign-ups",
        doc="Of one address (or /64) within ``signup_window_s``.",
        source="Auth0 allows 50 a day; a campus shares one address",
    )
    signup_window_s: float = setting(
        3_600.0, unit="s", doc="See signups_per_source.", source="choice: an hour"
    )
    known_answers_per_source: int = setting(
        10,
        unit="answers",
        doc="How often one address (or /64) is told within ``signup_window_s`` that an e-mail address has an account.",
        source="choice: people forget that they registered; whoever tries out addresses learns 10 an hour",
    )
    sources_remembered: int = setting(
        100_000,
        unit="sources",
        doc="Sources and accounts whose failures are kept in memory.",
        source="choice: about 20 MB",
    )
    familiar_sources: int = setting(
        8,
        unit="addresses",
        doc="Of an account, from which its owner logged in.",
        source="choice: home, work, phone, and their changes",
    )
    verification: Verification = setting(  # noqa: RUF009 - an enum member is immutable
        Verification.ASK,
        unit="off, ask or required",
        doc="Whether new addresses get a letter to confirm them, and whether the account waits for it. "
        "An account that is not confirmed begins as new and is established by use alone, later than one that is.",
        source="choice: works without a mail server",
    )
    verify_lifetime_s: float = setting(
        DAY_S, unit="s", doc="How long link and code of that letter hold.", source="choice: people sleep"
    )
    code_tries: int = setting(
        5,
        unit="tries",
        doc="Wrong codes until code and link are void; a code has six digits.",
        source="NIST SP 800-63B 5.2.2 allows far more for six digits",
    )
    reset_lifetime_s: float = setting(
        HOUR_S,
        unit="s",
        doc="How long the link for a new password holds.",
        source="OWASP Forgot Password Cheat Sheet: short; choice: an hour",
    )
    asks_per_source: int = setting(
        10,
        unit="asks",
        doc="Of one address (or /64) within an hour for letters, and likewise for codes tried.",
        source="choice: an office on a bad day",
    )
    invitation_lifetime_s: float = setting(
        7 * DAY_S,
        unit="s",
        doc="How long an invitation holds where nothing else is said.",
        source="choice: a week",
    )
    turn_lifetime_s: float = setting(
        2 * DAY_S,
        unit="s",
        doc="How long the link holds that somebody on the waitlist gets.",
        source="choice: a weekend",
    )
    turns_at_once: int = setting(
        100,
        unit="letters",
        doc="To the waitlist every ten seconds at most.",
        source="choice: those invited come within the minute",
    )
    refuse_disposable: bool = setting(
        True,
        unit="yes/no",
        doc="Whether addresses of throw-away mail services are refused.",
        source="choice: a short list is built in",
    )
    disposable_domains: str = setting(
        "",
        unit="path",
        doc="A list of more such domains, one a line, `#` for remarks; each counts with all below it.",
        source="choice: operators keep their own",
    )
    breached_passwords: str = setting(
        "",
        unit="path",
        doc="A list of passwords to refuse: one a line, or sorted SHA-1 as Have I Been Pwned gives it out "
        "(`HASH:COUNT`), which is searched on disk.",
        source="NIST SP 800-63B 5.1.1.2; a short list is built in",
    )
    operator_second_factor: OperatorFactor = setting(  # noqa: RUF009 - an enum member is immutable
        OperatorFactor.WHEN_SET,
        unit="off, when_set or required",
        doc="Whether a log-in to the console takes a second factor beside the password.",
        source="choice: OWASP ASVS 4.0 V4.3.1 asks it of administrative interfaces; it cannot be there at the first start",
    )
    ticket_lifetime_s: float = setting(
        300.0,
        unit="s",
        doc="From a password that fitted to when the second factor must have been given.",
        source="choice: time to find the phone",
    )
    ticket_tries: int = setting(
        5,
        unit="tries",
        doc="Wrong second factors until the password must be given again; delays run beside it.",
        source="choice: as free_failures",
    )
    totp_drift_steps: int = setting(
        1,
        unit="steps",
        doc="Codes of so many half minutes before and after now are taken, too.",
        source="RFC 6238 §5.2: at most one",
    )
    recovery_codes: int = setting(
        10,
        unit="codes",
        doc="Made at once; each stands in for a lost factor, once.",
        source="choice: GitHub gives 16",
    )
    passkeys_per_account: int = setting(
        20, unit="passkeys", doc="Of one account.", source="choice: more than one person has devices"
    )
    fresh_session_s: float = setting(
        900.0,
        unit="s",
        doc="A session older than this has to log in again before it changes a second factor or a passkey.",
        source="choice: a quarter of an hour; OWASP ASVS 4.0 V3.7.1 asks for it",
    )
    approval: bool = setting(
        False, unit="yes/no", doc="New accounts wait for an operator's approval.", source="choice: off"
    )

    def __post_init__(self) -> None:
        check_numbers(self, "accounts")
        counts = (
            "sessions_per_account", "keys_per_account", "key_makings_per_hour", "argon2_passes", "argon2_lanes", "hash_threads", "hash_queue",
            "password_min", "free_failures", "signups_per_source", "known_answers_per_source", "sources_remembered",
            "familiar_sources", "code_tries", "asks_per_source", "turns_at_once", "ticket_tries", "recovery_codes",
            "passkeys_per_account", "leak_reports_per_source",
        )  # fmt: skip
        times = (
            "session_lifetime_s",
            "first_delay_s",
            "longest_delay_s",
            "delay_memory_s",
            "signup_window_s",
            "verify_lifetime_s",
            "reset_lifetime_s",
            "invitation_lifetime_s",
            "turn_lifetime_s",
            "ticket_lifetime_s",
            "fresh_session_s",
            "longest_key_overlap_s",
        )
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"accounts.{name} must be at least 1")
        for name in times:
            if not getattr(self, name) > 0:
                raise ValueError(f"accounts.{name} must be greater than 0")
        if not 0 <= self.key_overlap_s <= self.longest_key_overlap_s:
            raise ValueError("accounts.key_overlap_s must be from 0 to accounts.longest_key_overlap_s")
        if self.password_max < self.password_min:
            raise ValueError("accounts.password_max must not be less than accounts.password_min")
        if not 0 <= self.totp_drift_steps <= 10:
            raise ValueError("accounts.totp_drift_steps must be between 0 and 10")
        if self.argon2_memory_kib < 8 * self.argon2_lanes:
            raise ValueError("accounts.argon2_memory_kib must be at least 8 for each lane (RFC 9106)")
