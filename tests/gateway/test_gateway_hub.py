"""What the controller says reaches every worker, and the admission that they share, over real sockets."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture
from pontlevis.controller.hub import Hub
from pontlevis.gateway.controller_link import ControllerLink
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.recorder import Recorder
from pontlevis.link.messages import (
    ADMISSION,
    GATEWAY,
    AccountRecord,
    Batch,
    Changes,
    CredentialRecord,
    Cut,
    Hello,
)
from until import until

ACCOUNT = AccountRecord("a", 4, 0.0)


async def parts() -> AsyncIterator[tuple[list[AccountRecord], list[CredentialRecord]]]:
    yield [ACCOUNT], []


async def test_workers_hear_everything_and_admission_hears_the_posture(tmp_path: Path) -> None:
    """A change is answered when all whom it concerns have it; only workers count as gateways."""
    batches: list[Batch] = []
    hub = Hub(
        parts=parts,
        decisions=list,
        posture=PostureState,
        on_batch=batches.append,
        on_parcel=lambda parcel, settled: None,
    )
    await hub.start(tmp_path / "link.sock")
    heard: dict[int, list[Changes | Cut]] = {0: [], 1: [], -1: []}
    links = {
        number: ControllerLink(
            tmp_path / "link.sock",
            Hello(number, os.getpid(), "test", ADMISSION if number < 0 else GATEWAY),
            heard[number].append,
        )
        for number in heard
    }
    keepers = [asyncio.create_task(link.keep()) for link in links.values()]
    await until(lambda: hub.gateways == 2 and hub.admission)
    await until(lambda: all(heard.values()))
    assert [each for each in heard[-1] if isinstance(each, Changes) and each.accounts] == []

    await hub.publish(accounts=[AccountRecord("b", 1, 0.0)])
    await hub.cut(accounts=["b"], credentials=[], reason="a test")
    await hub.publish(posture=PostureState(posture=Posture.UNDER_ATTACK))
    for number, messages in heard.items():
        last = messages[-1]
        assert isinstance(last, Changes)
        assert last.posture is not None
        assert last.posture.posture is Posture.UNDER_ATTACK, "in force everywhere when the call returns"
        assert any(isinstance(each, Cut) for each in messages) == (number >= 0)
    links[-1].send(Recorder(-1, GatewayPolicy()).take(1.0, None, {}))
    await until(lambda: [each.worker for each in batches] == [-1])

    keepers.pop().cancel()
    await until(lambda: not hub.admission)
    assert hub.gateways == 2
    for each in keepers:
        each.cancel()
    await until(lambda: hub.gateways == 0)
    await hub.close()
