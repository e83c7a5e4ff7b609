"""A header fingerprint that knows by which name its client went."""


class Fingerprint(int):
    """32 bits over the ordered header names; equal to another with the same bits, whatever its ``agent``."""

    agent: str
    """Product and major version as ``brain.agent`` writes them; empty where it is not recorded."""

    def __new__(cls, value: int, agent: str = "") -> "Fingerprint":
        made = super().__new__(cls, value)
        made.agent = agent
        return made


def agent_of(fingerprint: int) -> str:
    """The name; empty where nobody noted one."""
    return fingerprint.agent if isinstance(fingerprint, Fingerprint) else ""
