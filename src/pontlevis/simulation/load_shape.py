"""What honest load looks like: figures measured on two public traces of production."""

from dataclasses import dataclass
from itertools import pairwise

from pontlevis.brain.setting import setting
from pontlevis.simulation.quantiles import Quantiles

AZURE = "Azure 2023 conversation trace (AzurePublicDataset, CC-BY 4.0): 19,366 requests in 58 min"
DEEPSEEK = "DeepSeek-R1 production traces (ServeGen, Apache-2.0): 73 clients, 1,383,669 requests in a day"

AZURE_INPUT = Quantiles(((0, 3), (0.05, 181), (0.1, 207), (0.25, 396), (0.5, 1020), (0.75, 1189), (0.9, 2734), (0.95, 4083), (0.99, 4142), (1, 14_050)))  # fmt: skip
"""Prompt tokens of one request; mean 1,155."""
AZURE_OUTPUT = Quantiles(((0, 7), (0.05, 41), (0.1, 54), (0.25, 85), (0.5, 129), (0.75, 395), (0.9, 424), (0.95, 451), (0.99, 601), (1, 1000)))  # fmt: skip
"""Answer tokens of one request; mean 211. Their logarithm has a correlation of 0.09 with the prompt's: none."""
DEEPSEEK_INPUT = Quantiles(((0, 4), (0.05, 13), (0.1, 18), (0.25, 41), (0.5, 208), (0.75, 482), (0.9, 2092), (0.95, 6714), (0.99, 23_423), (1, 57_284)))  # fmt: skip
"""Prompt tokens, clients weighted by their requests in each six hours; mean 1,268."""
DEEPSEEK_OUTPUT = Quantiles(((0, 9), (0.05, 225), (0.1, 287), (0.25, 427), (0.5, 792), (0.75, 1499), (0.9, 3432), (0.95, 5701), (0.99, 12_607), (1, 32_768)))  # fmt: skip
"""Answer tokens, reasoning among them; mean 1,527."""
DEEPSEEK_CV = Quantiles(((0, 0.5), (0.1, 0.74), (0.25, 0.94), (0.5, 1.02), (0.75, 1.86), (0.9, 5.56), (0.95, 9.02), (0.99, 17.13), (1, 17.13)))  # fmt: skip
"""Coefficient of variation of a client's gaps within ten minutes, weighted by load; mean 2.3."""
DEEPSEEK_SHARES = ((0.0, 0.0), (0.0137, 0.2859), (0.0274, 0.3644), (0.0411, 0.4313), (0.0685, 0.5247), (0.0959, 0.6), (0.137, 0.6773), (0.2055, 0.7814), (0.274, 0.8545), (0.411, 0.9337), (0.5479, 0.9751), (0.6849, 0.9907), (0.8219, 0.9967), (1.0, 1.0))  # fmt: skip
"""Lorenz curve, the heaviest clients first: share of clients, share of requests. One of 73 sends 29 %, ten send 68 %."""


@dataclass(frozen=True, slots=True)
class LoadShape:
    """How honest users share the load, how they burst, and how long their prompts and answers are."""

    input_tokens: Quantiles = setting(  # noqa: RUF009 - frozen
        AZURE_INPUT, unit="tokens", doc="Prompt of one request.", source=f"measured: {AZURE}"
    )
    output_tokens: Quantiles = setting(  # noqa: RUF009 - frozen
        AZURE_OUTPUT, unit="tokens", doc="Answer to one request.", source=f"measured: {AZURE}"
    )
    burstiness: Quantiles = setting(  # noqa: RUF009 - frozen
        DEEPSEEK_CV,
        unit="ratio",
        doc="Coefficient of variation of one user's gaps; each user draws one.",
        source=f"measured: {DEEPSEEK}",
    )
    weibull_share: float = setting(
        0.26,
        unit="share",
        doc="Users whose gaps follow a Weibull distribution; the others' follow a Gamma.",
        source=f"measured: {DEEPSEEK}",
    )
    shares: tuple[tuple[float, float], ...] = setting(
        DEEPSEEK_SHARES,
        unit="shares",
        doc="Lorenz curve of the load: share of users, heaviest first, and share of requests.",
        source=f"measured: {DEEPSEEK}",
    )
    length_scale: float = setting(
        1.0,
        unit="ratio",
        doc="Multiplies both lengths, so that a small engine sees the shape at a rate it can bear.",
        source="choice: as recorded",
    )

    def mean_tokens(self) -> tuple[float, float]:
        """Mean prompt and mean answer of one request, in tokens."""
        scale = self.length_scale
        return self.input_tokens.mean() * scale, self.output_tokens.mean() * scale

    def weight(self, user: int, users: int) -> float:
        """The user's share of all requests; users are numbered from the heaviest on."""
        return _along(self.shares, (user + 1) / users) - _along(self.shares, user / users)


CONVERSATION = LoadShape()
"""Chat: lengths of the Azure trace, users as in the DeepSeek-R1 traces (the Azure trace names no users)."""
REASONING = LoadShape(input_tokens=DEEPSEEK_INPUT, output_tokens=DEEPSEEK_OUTPUT)
"""Long answers: everything from the DeepSeek-R1 traces."""


def _along(curve: tuple[tuple[float, float], ...], share: float) -> float:
    for (low_x, low_y), (high_x, high_y) in pairwise(curve):
        if share <= high_x:
            return low_y + (share - low_x) / (high_x - low_x) * (high_y - low_y)
    return curve[-1][1]
