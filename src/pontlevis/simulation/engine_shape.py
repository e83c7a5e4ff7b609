"""What a simulated engine can do."""

from dataclasses import dataclass

from pontlevis.brain.setting import setting


@dataclass(frozen=True, slots=True)
class EngineShape:
    """Rates and sizes of one engine. Defaults: a small model on one small GPU."""

    slots: int = setting(
        16, unit="requests", doc="Requests decoded together.", source="vLLM max_num_seqs, made small"
    )
    prefill_rate: float = setting(
        8_000.0,
        unit="tokens/s",
        doc="Prompt tokens read, shared by all.",
        source="choice: 8B on one small GPU",
    )
    decode_rate: float = setting(
        40.0, unit="tokens/s", doc="Answer tokens of one request.", source="choice: 25 ms a token"
    )
    total_decode_rate: float = setting(
        1_000.0,
        unit="tokens/s",
        doc="Answer tokens of all requests together; many running requests share it.",
        source="choice: all slots at their full rate",
    )
    kv_tokens: int = setting(
        65_536, unit="tokens", doc="Tokens that the KV-cache holds.", source="choice: 16 chats of 4,096"
    )
    delay_s: float = setting(
        0.0,
        unit="s",
        doc="Between a request's arrival and its place in the queue: tokenizing, templates.",
        source="choice: none",
    )

    def __post_init__(self) -> None:
        if self.slots < 1 or self.kv_tokens < 2 or self.delay_s < 0:
            raise ValueError("an engine needs a slot, two tokens of KV-cache and no negative delay")
        if min(self.prefill_rate, self.decode_rate, self.total_decode_rate) <= 0:
            raise ValueError("an engine's rates are above zero")

    def requests_per_s(self, input_tokens: float, output_tokens: float) -> float:
        """Requests of this mean length that it finishes a second when it always has work.

        The least of four bounds: prefill, decoding of all, slots, KV-cache. Drills state load as a multiple of it.
        """
        rate = min(self.decode_rate, self.total_decode_rate / self.slots)
        held_s = input_tokens / self.prefill_rate + output_tokens / rate
        held_tokens = input_tokens + output_tokens / 2
        return min(
            self.prefill_rate / max(1.0, input_tokens),
            self.total_decode_rate / max(1.0, output_tokens),
            self.slots / held_s,
            self.kv_tokens / held_tokens / held_s,
        )
