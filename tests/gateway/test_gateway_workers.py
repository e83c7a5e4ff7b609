"""Several workers, one admission: what one gives up, another gets."""

import pytest
from worker_house import MODEL, URLS, House, HouseWorker

from pontlevis.brain.admission.messages import Refuse
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import RefusalCode, Standing
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.rations import of_one_worker
from pontlevis.link.admission import Asked, Beat, read_from_admission, read_to_admission
from pontlevis.link.stream import LinkBroken, Splitter, frame

TIGHT = AdmissionPolicy(initial_limit=1, min_limit=1, max_limit=2, preempt_streams="always", borrow_spare=0.0)


@pytest.fixture
def house() -> House:
    return House(TIGHT)


PAID, NEW = Standing.PAID, Standing.NEW


def newcomers(house: House) -> tuple[HouseWorker, HouseWorker, list[int]]:
    """Both engines are full with newcomers of the first worker."""
    first, second = house.workers
    tickets = [first.ask(NEW, f"new {each}") for each in range(2)]
    house.settle()
    assert set(first.running) == set(tickets)
    return first, second, tickets


def give_all(house: House, worker: HouseWorker) -> None:
    worker.flush()
    while worker.give():
        for each in house.workers:
            each.flush()


def test_a_slot_of_one_worker_goes_to_an_existing_user_of_another(house: House) -> None:
    """The newest newcomer waits again, and is served when there is room."""
    first, second, tickets = newcomers(house)
    paid = second.ask(PAID, "paid")
    house.settle()
    assert list(second.running) == [paid]
    assert list(first.running) == tickets[:1]
    first.finish(tickets[0], 5)
    house.settle()
    assert list(first.running) == tickets[1:]


def test_an_answer_that_has_begun_is_not_thrown_away_by_a_word_that_came_late(house: House) -> None:
    """Admission gives its slot away while its first byte is on its way: it goes on, counted beyond the limit."""
    first, second, tickets = newcomers(house)
    second.ask(PAID, "paid")
    give_all(house, second)
    first.first_byte(tickets[1])
    house.settle()
    assert set(first.running) == set(tickets)
    assert house.owner.admission.in_flight == 3
    assert house.owner.admission.queued == 0
    first.finish(tickets[1], 9)
    house.settle()
    assert house.owner.admission.in_flight == 2


def test_one_that_had_begun_and_was_started_again_elsewhere_is_counted_where_it_is(house: House) -> None:
    """Sent back, and given another engine, before admission heard that it had begun on the first."""
    first, second, tickets = newcomers(house)
    at = first.running[tickets[1]]
    paid = [second.ask(PAID, "paid 0"), second.ask(PAID, "paid 1")]
    give_all(house, second)
    first.first_byte(tickets[1])
    while second.take():
        """Both run there as far as admission knows."""
    other = next(ticket for ticket in paid if second.running[ticket] != at)
    second.finish(other, 5)
    give_all(house, second)
    assert house.owner.admission.turns(tickets[1]) == 1
    house.settle()
    assert first.running[tickets[1]] == at
    counts = {name: engine.in_flight for name, engine in house.owner.admission._pools.engines.items()}
    running = [*first.running.values(), *second.running.values()]
    assert counts == {url: running.count(url) for url in URLS}


def test_one_that_was_sent_back_while_it_asked_for_another_engine_waits_for_its_turn(house: House) -> None:
    """It is not told that there is no other."""
    first, second, tickets = newcomers(house)
    second.ask(PAID, "paid")
    give_all(house, second)
    first.move(tickets[1])
    house.settle()
    assert tickets[1] in first.calls
    assert tickets[1] not in first.running
    first.finish(tickets[0], 1)
    house.settle()
    assert tickets[1] in first.running


def test_what_a_dead_worker_held_is_free_at_once(house: House) -> None:
    """Slots at engines and places in queues."""
    first, second, _ = newcomers(house)
    waiting = second.ask(NEW, "other")
    house.settle()
    assert waiting not in second.running
    first.cut()
    house.settle()
    assert waiting in second.running
    assert house.owner.admission.in_flight == 1


def test_while_admission_is_away_existing_users_are_served_within_the_share() -> None:
    """Beyond it they wait and are asked for again; newcomers are told to come back; what runs goes on."""
    house = House(AdmissionPolicy(initial_limit=4, min_limit=1))
    first, second = house.workers
    before = second.ask(NEW, "new")
    asked = [second.ask(NEW, "late")]
    house.kill_owner()
    refused = second.told[-1]
    assert isinstance(refused, Refuse)
    assert (refused.status, refused.code) == (503, RefusalCode.OVERLOADED)
    assert refused.retry_after_s > 0
    assert not set(asked) & set(second.calls)
    assert before not in second.running, "admission had not said anything yet"
    mine = [first.ask(PAID, f"paid {each}") for each in range(6)]
    assert len(first.running) == 4, "half of what two engines of four may be given"
    first.finish(mine[0], 1)
    assert len(first.running) == 4
    assert len(first.calls) == 5
    first.connect()
    second.connect()
    house.settle()
    assert len(first.running) == 5
    assert house.owner.admission.in_flight == 5


def test_nobody_waits_for_an_admission_that_does_not_come_back() -> None:
    """The queue's longest wait holds, and then a 503 that says when to try again."""
    house = House(AdmissionPolicy(initial_limit=2, min_limit=1))
    first = house.workers[0]
    house.kill_owner()
    for each in range(4):
        first.ask(PAID, f"paid {each}")
    assert len(first.running) == 2
    house.clock.now += house.policy.queue_wait_s[0]
    first.pump()
    assert len(first.calls) == 2
    assert [type(each) for each in first.told[-2:]] == [Refuse, Refuse]


def test_a_new_admission_begins_with_the_sizes_that_the_last_one_had_learnt() -> None:
    """An engine that was found to take nine is not taken for one of two."""
    house = House(AdmissionPolicy(initial_limit=2, min_limit=1))
    house.owner.admission.expect({URLS[0]: 9})
    house.owner.beat()
    house.settle()
    house.kill_owner()
    assert house.owner.admission.limits[URLS[0]] == 2
    house.workers[0].connect()
    assert house.owner.admission.limits[URLS[0]] == 9


def test_an_engine_that_one_worker_cannot_reach_is_down_for_all(house: House) -> None:
    """And up again for all after the next look that finds it."""
    first, second = house.workers
    first.engines[URLS[0]].up = False
    first.remote.set_engine(URLS[0], frozenset({MODEL}), False, house.clock())
    house.settle()
    assert not second.engines[URLS[0]].up
    house.owner.engines[URLS[0]].up = True
    house.owner.look()
    house.settle()
    assert first.engines[URLS[0]].up
    assert second.engines[URLS[0]].up


def test_a_source_that_somebody_known_came_from_is_known_to_the_other_workers(house: House) -> None:
    """Told once, and not back."""
    first, second = house.workers
    first.remote.met("192.0.2.7")
    house.settle()
    assert second.familiar == ["192.0.2.7"]
    assert first.familiar == []


def test_frames_survive_any_cutting_of_the_stream() -> None:
    """Byte by byte, and several at once."""
    asked = Asked(1 << 48 | 7, "a", PAID, "m", 10, 0, False, 1, True)
    data = frame([asked, asked]) + frame([asked])
    splitter = Splitter()
    got = [body for byte in data for body in splitter.feed(bytes([byte]))]
    assert [read_to_admission(body) for body in got] == [[asked, asked], [asked]]
    assert len(Splitter().feed(data)) == 2
    (beat,) = Splitter().feed(frame([Beat({"e": 3})]))
    assert read_from_admission(beat) == [Beat({"e": 3})]


def test_a_frame_that_is_not_ours_breaks_the_link() -> None:
    """Before its bytes are awaited."""
    with pytest.raises(LinkBroken):
        Splitter().feed(b"\xff\xff\xff\xff")


def test_one_worker_takes_its_share_of_what_is_for_all() -> None:
    """Together they let in no more than one would, but for a source's connections, which chance spreads."""
    whole = GatewayPolicy()
    assert of_one_worker(whole) is whole
    for workers in (2, 3, 16):
        one = of_one_worker(GatewayPolicy(workers=workers))
        assert one.stranger_posts_per_s * workers == pytest.approx(whole.stranger_posts_per_s)
        assert one.page_slots * workers <= max(whole.page_slots, 2 * workers)
        assert 0 < one.page_slots_reserved < one.page_slots
        assert whole.max_connections_per_source / workers < one.max_connections_per_source
        assert one.max_connections_per_source <= whole.max_connections_per_source
        assert one.max_connections == whole.max_connections
