"""On which acts each detector rests: findings on the same acts are one witness, however many detectors speak."""

from enum import StrEnum

from pontlevis.brain.detection.finding import DetectorName, Finding


class Ground(StrEnum):
    """A kind of act that is counted apart from every other."""

    SIGN_UPS = "sign-ups"
    LOG_INS = "log-ins"
    CALLS = "calls without a valid credential"
    TOKENS = "tokens that accounts use"
    KEYS = "from where and how keys are used"
    CONNECTIONS = "how slowly clients send and read"
    PAGES = "pages that strangers open"
    ALONE = "what one source does by itself"
    SERVICE = "how existing users are served"


GROUNDS: dict[str, Ground] = {
    "signup_surge": Ground.SIGN_UPS,
    "sleeper_accounts": Ground.SIGN_UPS,
    "credential_stuffing": Ground.LOG_INS,
    "rotating_flood": Ground.CALLS,
    "token_drain": Ground.TOKENS,
    "heavy_hitter": Ground.TOKENS,
    "leaked_key": Ground.KEYS,
    "slow_clients": Ground.CONNECTIONS,
    "page_flood": Ground.PAGES,
    "single_source": Ground.ALONE,
    "impact": Ground.SERVICE,
}
"""By detector. One that is not named here rests on its own name alone; a test asks for its place."""


ANONYMOUS_DRAIN = "anonymous_token_share"
"""The figure of a drain by calls without an account: the very calls that a flood of them consists of."""
YOUNG_DRAIN = "young_token_share"
"""The figure of a drain by accounts that were just made: whoever made them is accused of it."""


def ground_of(finding: Finding) -> str:
    """What the finding rests on."""
    name = finding.detector.value
    if finding.detector is DetectorName.TOKEN_DRAIN and ANONYMOUS_DRAIN in finding.figures:
        return Ground.CALLS
    return GROUNDS.get(name, name)


def grounds_of(findings: list[Finding]) -> frozenset[str]:
    """How many independent witnesses there are, and which."""
    return frozenset(ground_of(each) for each in findings)


def accuses_signups(finding: Finding) -> bool:
    """Whether the finding says that those who sign up mean ill, whatever acts it saw that by."""
    return ground_of(finding) == Ground.SIGN_UPS or YOUNG_DRAIN in finding.figures


def accuses_logins(finding: Finding) -> bool:
    """Whether the finding says that those who log in are guessing."""
    return ground_of(finding) == Ground.LOG_INS
