"""How long to wait before another try."""


def wait_s(tries: int, *, first_s: float, longest_s: float, draw: float) -> float:
    """Exponential with equal jitter (AWS Architecture Blog, 2015): between half and all of the doubled wait.

    ``tries`` is how many have failed, from 1; ``draw`` from 0 to 1 is random.
    """
    whole = min(longest_s, first_s * 2.0 ** min(tries - 1, 40))
    return whole / 2 + draw * whole / 2
