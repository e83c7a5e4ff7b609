"""``python -m bench.login_flood``: established users log in while a hundred times as many strangers do.

A service on loopback, with detection and posture on, is given calm, then a flood of wrong log-ins from
rotating addresses with the same few headers. Four kinds of log-in are timed, each with right passwords
but the flood's:

- ``home``: established users where they logged in before;
- ``device``: established users at a new address, in a browser in which they logged in before;
- ``abroad``: established users whom nothing tells from a stranger; they solve the challenge when asked;
- ``flood``: the strangers.

``established`` sums up the first three. The solver is Python in a process of its own, which shares this machine with
everything else: ``p99_without_solving_s`` leaves its time out.
"""

import asyncio
import json
import random
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import altcha
import httpx
import typer
from sqlalchemy import select

from pontlevis.accounts.devices import Devices
from pontlevis.brain.credential import CredentialCodec
from pontlevis.controller.supervisor import free_port
from pontlevis.drill.client import LoadClient
from pontlevis.drill.people import ATTACK_TOOLS, BROWSERS, Fields, existing, pick
from pontlevis.drill.plan import existing_email, password_of
from pontlevis.drill.scenario import Scenario
from pontlevis.drill.seeding import seed
from pontlevis.runtime import DataDirectory
from pontlevis.storage.database import Database
from pontlevis.storage.tables.accounts import AccountRow

USERS = 60
PATIENCE_S = 15.0


@dataclass(slots=True)
class Kind:
    """How one kind of log-in went. Times are seconds."""

    tried: int = 0
    succeeded: int = 0
    times: list[float] = field(default_factory=list)
    """Of those that succeeded, challenge and retries included."""
    without: list[float] = field(default_factory=list)
    """The same less what asking for and solving challenges took, which is the visitor's machine's time for the most part."""
    answers: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, object]:
        times = sorted(self.times)
        return {
            "tried": self.tried,
            "succeeded": self.succeeded,
            "share": round(self.succeeded / self.tried, 4) if self.tried else None,
            "p50_s": round(statistics.median(times), 3) if times else None,
            "p99_s": round(times[min(len(times) - 1, int(0.99 * len(times)))], 3) if times else None,
            "p99_without_solving_s": round(
                sorted(self.without)[min(len(times) - 1, int(0.99 * len(times)))], 3
            )
            if times
            else None,
            "answers": dict(self.answers),
        }


class LoginFlood:
    """One run against one service."""

    def __init__(self, port: int, devices: dict[int, str], rng: random.Random, seed_: int) -> None:
        self._host = f"127.0.0.1:{port}".encode()
        self._client = LoadClient("127.0.0.1", port)
        self._devices = devices
        self._rng = rng
        self._people = existing(seed_, USERS)
        self._solvers = ProcessPoolExecutor(1)
        self.kinds = {name: Kind() for name in ("calm", "home", "device", "abroad", "flood")}

    async def run(self, *, calm_s: float, flood_s: float, rate: float, multiple: float) -> None:
        """``rate`` established log-ins a second, ``multiple`` times as many hostile ones in the flood."""
        tasks: list[asyncio.Task[None]] = []
        begun = time.monotonic()
        honest, hostile = begun, begun + calm_s
        number = 0
        while (now := time.monotonic()) < begun + calm_s + flood_s:
            if now >= honest:
                honest += self._rng.expovariate(rate)
                tasks.append(asyncio.create_task(self._honest(number, calm=now < begun + calm_s)))
                number += 1
            while now >= hostile:
                hostile += 1.0 / (rate * multiple)
                tasks.append(asyncio.create_task(self._hostile()))
            await asyncio.sleep(0.002)
        await asyncio.gather(*tasks)
        self._client.close()
        self._solvers.shutdown()

    async def _honest(self, number: int, *, calm: bool) -> None:
        user = number % USERS
        person = self._people[user]
        body = {"email": existing_email(user), "password": password_of(user)}
        name = "calm" if calm else ("home", "home", "device", "abroad")[number % 4]
        kind = self.kinds[name]
        kind.tried += 1
        address, cookie = person.address, ""
        if name in ("device", "abroad"):
            address = f"127.{self._rng.randrange(90, 120)}.{self._rng.randrange(1, 250)}.{self._rng.randrange(2, 250)}"
        if name == "device":
            cookie = f"cookie: pontlevis_device={self._devices[user]}\r\n"
        fields = pick(self._rng, BROWSERS)
        begun, solved_s, device = time.monotonic(), 0.0, cookie
        # A person tries again a few times, as the answer bids; a challenge is solved by the browser.
        for _ in range(4):
            answer = await self._post(address, fields, body, cookie)
            kind.answers[str(answer)] += 1
            if answer == 200:
                kind.succeeded += 1
                kind.times.append(time.monotonic() - begun)
                kind.without.append(kind.times[-1] - solved_s)
                return
            if answer == 403:
                solving = time.monotonic()
                body["altcha"] = await self._solve(address, fields)
                solved_s += time.monotonic() - solving
                cookie = f"x-pontlevis-solution: {body['altcha']}\r\n" + device
            elif name == "home":
                return
            else:
                await asyncio.sleep(2.0)

    async def _hostile(self) -> None:
        rng = self._rng
        address = f"127.{rng.randrange(120, 200)}.{rng.randrange(1, 250)}.{rng.randrange(2, 250)}"
        user = rng.randrange(4 * USERS)
        kind = self.kinds["flood"]
        kind.tried += 1
        body = {"email": existing_email(user), "password": f"Summer{rng.randrange(2000, 2026)}!x"}
        answer = await self._post(address, pick(rng, ATTACK_TOOLS), body, "")
        kind.answers[str(answer)] += 1

    async def _post(self, address: str, fields: Fields, body: dict[str, str], cookie: str) -> int:
        raw = json.dumps(body).encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in fields if name != "connection") + cookie
        request = (
            b"POST /api/sessions HTTP/1.1\r\nhost: %b\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (self._host, head.encode(), len(raw), raw)
        )
        return (await self._client.send(address, request, PATIENCE_S)).status

    async def _solve(self, address: str, fields: Fields) -> str:
        head = "".join(f"{name}: {value}\r\n" for name, value in fields if name != "connection")
        request = b"GET /api/challenge?action=login HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (
            self._host,
            head.encode(),
        )
        answer = await self._client.send(address, request, PATIENCE_S)
        if answer.status != 200:
            return ""
        # In a process of its own: the solver is the visitor's machine.
        return await asyncio.get_running_loop().run_in_executor(self._solvers, _solved, answer.body)


def _solved(challenge_json: bytes) -> str:
    challenge = altcha.Challenge.from_dict(json.loads(challenge_json))
    solution = altcha.solve_challenge(challenge)
    return altcha.Payload(challenge, solution).to_base64() if solution is not None else ""


async def _devices(data: Path) -> dict[int, str]:
    """A device token for each user, as an earlier log-in would have left it."""
    directory = DataDirectory(data)
    made = Devices(CredentialCodec(directory.pepper()), secrets.token_bytes)
    database = Database.in_directory(directory.path)
    found: dict[int, str] = {}
    async with database.session() as session:
        for row in await session.scalars(select(AccountRow)):
            number = re.fullmatch(r"user(\d+)@.*", row.email)
            if number is not None:
                found[int(number.group(1))] = made.mint(row.id, time.time() - 86_400)
    await database.close()
    return found


def run(
    rate: Annotated[float, typer.Option(help="Log-ins a second of established users.")] = 3.0,
    multiple: Annotated[float, typer.Option(help="Hostile log-ins for each of them.")] = 100.0,
    calm: Annotated[float, typer.Option(help="Seconds before the flood.")] = 10.0,
    flood: Annotated[float, typer.Option(help="Seconds of the flood.")] = 40.0,
    seed_: Annotated[int, typer.Option("--seed")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
) -> None:
    """Measure established users' log-ins under a flood of a hundred times as many.

    Example: `python -m bench.login_flood --json var/login_flood.json`
    """
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        asyncio.run(seed(data, replace(Scenario(), existing_users=USERS, sleepers=0), seed_))
        devices = asyncio.run(_devices(data))
        port, operator_port = free_port(), free_port()
        command = [sys.executable, "-m", "pontlevis", "up", "--port", str(port), "--operator-port", str(operator_port), "--data", str(data)]  # fmt: skip
        with (Path(folder) / "log").open("wb") as log:
            service = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            for _ in range(300):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/api/registration").raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            time.sleep(2.0)
            load = LoginFlood(port, devices, random.Random(seed_), seed_)
            asyncio.run(load.run(calm_s=calm, flood_s=flood, rate=rate, multiple=multiple))
            posture = httpx.get(f"http://127.0.0.1:{port}/api/registration").json()["mode"]
        finally:
            service.terminate()
            service.wait(20)
    known = Kind()
    for name in ("home", "device", "abroad"):
        part = load.kinds[name]
        known.tried, known.succeeded = known.tried + part.tried, known.succeeded + part.succeeded
        known.times, known.without = known.times + part.times, known.without + part.without
        known.answers += part.answers
    load.kinds["established"] = known
    result = {
        "seed": seed_,
        "rate": rate,
        "multiple": multiple,
        "registration_at_end": posture,
        **{name: kind.figures() for name, kind in load.kinds.items()},
    }
    typer.echo(json.dumps(result, indent=1))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(result, indent=1), "utf-8")


if __name__ == "__main__":
    typer.run(run)
