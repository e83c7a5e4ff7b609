"""What becomes of a process one of whose loops breaks."""

import asyncio
import logging

import pytest

from pontlevis.gateway.loops import Loops


async def forever() -> None:
    await asyncio.Event().wait()


async def breaks() -> None:
    raise KeyError("unforeseen")


def test_a_loop_that_breaks_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    """It is told to stop, says why, and ends with an error, so that another takes its place."""

    async def play() -> None:
        stopping = asyncio.Event()
        loops = Loops(stopping)
        loops.start(forever(), breaks())
        await asyncio.wait_for(stopping.wait(), 60)
        await loops.end()

    with caplog.at_level(logging.CRITICAL), pytest.raises(RuntimeError) as told:
        asyncio.run(play())
    assert isinstance(told.value.__cause__, KeyError)
    assert "gateway:loop:broken" in caplog.text


def test_loops_that_are_ended_in_order_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Being cancelled is no failure."""

    async def play() -> None:
        stopping = asyncio.Event()
        loops = Loops(stopping)
        loops.start(forever(), forever())
        await asyncio.sleep(0)
        await loops.end()
        assert not stopping.is_set()

    asyncio.run(play())
    assert caplog.text == ""
