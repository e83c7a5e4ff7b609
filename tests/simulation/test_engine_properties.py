"""What the engine model never does, whatever comes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pontlevis.simulation.engine import EngineModel, EngineShape

SHAPE = EngineShape(slots=3, prefill_rate=400, decode_rate=40, total_decode_rate=80, kv_tokens=200)


class EngineMachine(RuleBasedStateMachine):
    """Requests come, clients go, time passes, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.model = EngineModel(SHAPE, self.now)
        self.wanted: dict[int, int] = {}
        self.got: dict[int, int] = {}
        self.cancelled: set[int] = set()

    @rule(prompt=st.integers(1, 120), output=st.integers(1, 80))
    def submit(self, prompt: int, output: int) -> None:
        id_ = len(self.wanted)
        self.wanted[id_] = output
        self.model.submit(id_, prompt, output, self.now)

    @rule(seconds=st.floats(0.0, 2.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for progress in self.model.advance(self.now):
            assert progress.id not in self.cancelled
            assert progress.tokens > 0
            self.got[progress.id] = self.got.get(progress.id, 0) + progress.tokens
            assert progress.finished == (self.got[progress.id] == self.wanted[progress.id])

    @rule(choice=st.integers(0, 1000))
    def cancel(self, choice: int) -> None:
        if not self.wanted:
            return
        id_ = choice % len(self.wanted)
        if self.got.get(id_, 0) < self.wanted[id_]:
            self.cancelled.add(id_)
        self.model.cancel(id_)

    @invariant()
    def slots_and_cache_hold(self) -> None:
        assert self.model.running <= SHAPE.slots
        assert 0 <= self.model.kv_used <= SHAPE.kv_tokens
        assert 0.0 <= self.model.kv_usage <= 1.0

    @invariant()
    def nothing_is_lost(self) -> None:
        under_way = self.model.running + self.model.waiting
        assert self.model.started == under_way + self.model.finished + self.model.cancelled
        assert self.model.cancelled == len(self.cancelled)
        assert all(got <= self.wanted[id_] for id_, got in self.got.items())

    def teardown(self) -> None:
        """Everybody who stays gets the whole answer, and then nothing is held."""
        for _ in range(2000):
            if self.model.idle:
                break
            self.wait(1.0)
        assert self.model.idle
        assert self.model.kv_used == 0
        stayed = {id_: tokens for id_, tokens in self.wanted.items() if id_ not in self.cancelled}
        assert {id_: self.got[id_] for id_ in stayed} == stayed


TestEngineMachine = EngineMachine.TestCase
TestEngineMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(
    lengths=st.lists(st.tuples(st.integers(1, 120), st.integers(1, 80)), min_size=1, max_size=15),
    step=st.floats(0.005, 0.5),
)
@settings(max_examples=60, deadline=None)
def test_how_often_one_looks_does_not_decide_what_is_made(
    lengths: list[tuple[int, int]], step: float
) -> None:
    """Tokens and ends are the same for a caller who looks often and one who looks once."""
    often, once = EngineModel(SHAPE, 0.0), EngineModel(SHAPE, 0.0)
    for id_, (prompt, output) in enumerate(lengths):
        often.submit(id_, prompt, output, 0.0)
        once.submit(id_, prompt, output, 0.0)
    now = 0.0
    while not often.idle:
        now += step
        often.advance(now)
    once.advance(now + 60.0)
    assert once.idle
    assert (often.tokens_out, often.finished) == (once.tokens_out, once.finished)


@given(st.integers(1, 5000), st.integers(1, 5000))
@settings(max_examples=60, deadline=None)
def test_longer_requests_never_raise_the_capacity(input_tokens: int, output_tokens: int) -> None:
    """An engine finishes at most as many of the longer."""
    shape = EngineShape()
    here = shape.requests_per_s(input_tokens, output_tokens)
    assert here > 0
    assert shape.requests_per_s(input_tokens + 1, output_tokens) <= here
    assert shape.requests_per_s(input_tokens, output_tokens + 1) <= here
