"""One request in virtual time."""

from pontlevis.brain.vocabulary import Standing


class Job:
    """Times are virtual seconds; infinite until they come."""

    __slots__ = ("account", "at", "done_at", "engine", "epoch", "first_at", "hostile", "id", "input", "output", "over", "standing")  # fmt: skip

    def __init__(
        self,
        id_: int,
        at: float,
        account: str,
        standing: Standing,
        input_: int,
        output: int,
        *,
        hostile: bool,
    ) -> None:
        self.id = id_
        self.at = at
        self.account = account
        self.standing = standing
        self.input = input_
        self.output = output
        self.hostile = hostile
        self.engine = -1
        self.first_at = float("inf")
        self.done_at = float("inf")
        self.epoch = 0
        """Grows when it is taken off an engine: what was to happen there does not happen any more."""
        self.over = False
        """Refused, cut, given up or done."""
