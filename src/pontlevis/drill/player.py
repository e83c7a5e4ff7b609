"""A load generator's process: plays a plan's acts at their times and notes how each ended."""

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import altcha
import msgspec
import uvloop

from pontlevis.drill.client import Answer, LoadClient
from pontlevis.drill.plan import Act

PATIENCE_S = {"existing": 30.0, "login": 10.0, "newcomer": 20.0}
HOSTILE_PATIENCE_S = 15.0
MOST_OUTSTANDING = 2_500  # acts under way at once in one process; more are counted as not sent
CHAT = b'{"model":"%b","messages":[{"role":"user","content":"%b"}],"max_tokens":%d,"stream":true%b}'
LENGTH = b',"pontlevis_sim":{"output_tokens":%d}'  # the simulator's answers are as long as planned, a real engine's at most


class Part(msgspec.Struct):
    """What one generator is told."""

    host: str
    port: int
    begin_at: float
    """Unix time of the plan's second 0."""
    until: float
    """Seconds of the plan after which nothing is begun."""
    acts: list[Act]
    keys: dict[str, list[str]]
    """Seeded keys by class: ``existing``, ``sleeper``."""
    seed: int
    model: str = "pontlevis-sim"
    simulated: bool = True


class Outcome(msgspec.Struct, array_like=True):
    """How one request of an act ended."""

    who: str
    step: str
    """``chat``, ``signup``, ``login``, ``key``."""
    at: float
    """When it was sent, seconds of the plan."""
    status: int
    ttft_s: float
    total_s: float
    whole: bool


class Played(msgspec.Struct):
    """What a generator reports."""

    outcomes: list[Outcome]
    not_sent: dict[str, int]
    late_p99_s: float
    """How late acts were begun: large when the generator itself was the bottleneck."""


def chat_body(model: str, input_tokens: int, output_tokens: int, simulated: bool, salt: int = 0) -> bytes:
    """A call of about so many tokens at four bytes each; ``salt`` keeps a real engine's prefix cache from knowing it already."""
    text = b"tell me more " * max(1, (input_tokens * 4 - 120) // 13)
    if not simulated:
        text = b"%08x %b" % (salt, text)
    length = LENGTH % output_tokens if simulated else b""
    return CHAT % (model.encode(), text, output_tokens, length)


class Player:
    """Plays one part."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._client = LoadClient(part.host, part.port)
        self._outcomes: list[Outcome] = []
        self._not_sent: Counter[str] = Counter()
        self._late: list[float] = []
        self._rng = Random(part.seed)  # noqa: S311 - made-up keys
        self._host = f"{part.host}:{part.port}".encode()
        self._begin = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def play(self) -> Played:
        loop = asyncio.get_running_loop()
        self._begin = time.monotonic() + (self._part.begin_at - time.time())
        for act in self._part.acts:
            if act.at >= self._part.until:
                break
            wait = self._begin + act.at - time.monotonic()
            if wait > 0.001:
                await asyncio.sleep(wait)
            else:
                self._late.append(-wait)
            if len(self._tasks) >= MOST_OUTSTANDING:
                self._not_sent[act.who] += 1
                continue
            task = loop.create_task(self._act(act))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        rest = self._begin + self._part.until - time.monotonic()
        if rest > 0:
            await asyncio.sleep(rest)
        if self._tasks and not any(act.hostile for act in self._part.acts[:1]):
            # Honest people read their answers to the end; an attack that is called off stops at once.
            await asyncio.wait(self._tasks, timeout=5.0)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._client.close()
        late = sorted(self._late)
        return Played(self._outcomes, dict(self._not_sent), late[int(len(late) * 0.99)] if late else 0.0)

    async def _act(self, act: Act) -> None:
        if act.what == "chat":
            await self._chat(act, self._key(act))
        elif act.what == "login":
            await self._post(act, "login", b"/api/sessions", {"email": act.email, "password": act.password})
        else:
            key = await self._join(act)
            if key:
                await self._chat(act, key)
                if act.what == "drain":
                    await asyncio.gather(*(self._drain(act, key) for _ in range(3)))

    async def _drain(self, act: Act, key: str) -> None:
        while time.monotonic() - self._begin < self._part.until - 1.0:
            answer = await self._chat(act, key)
            if answer.status != 200:
                await asyncio.sleep(0.5)

    async def _join(self, act: Act) -> str:
        """Sign up, log in, make a key: what a person or a bot does to get in."""
        body = {"email": act.email, "password": act.password}
        made = await self._post(act, "signup", b"/api/accounts", body)
        if made.status == 403 and not act.hostile and b"/api/challenge" in made.body:
            # A person's browser does the work; the attack's tools have none.
            solved = await self._solve(act)
            made = await self._post(act, "signup", b"/api/accounts", {**body, "altcha": solved})
        if made.status != 201:
            return ""
        session = await self._post(act, "login", b"/api/sessions", body)
        if session.status != 200:
            return ""
        token = str(msgspec.json.decode(session.body)["token"])
        key = await self._post(act, "key", b"/api/keys", {"name": "drill"}, token)
        return str(msgspec.json.decode(key.body)["key"]) if key.status == 201 else ""

    async def _solve(self, act: Act) -> str:
        """The solution of a fresh challenge; empty where there is none to be had."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in act.fields if name != "connection")
        request = b"GET /api/challenge?action=signup HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (
            self._host,
            fields.encode(),
        )
        answer = await self._client.send(act.address, request, PATIENCE_S["newcomer"])
        if answer.status != 200:
            return ""
        challenge = altcha.Challenge.from_dict(msgspec.json.decode(answer.body))
        solution = await asyncio.to_thread(altcha.solve_challenge, challenge)
        return altcha.Payload(challenge, solution).to_base64() if solution is not None else ""

    async def _chat(self, act: Act, key: str) -> Answer:
        body = chat_body(
            self._part.model,
            act.input_tokens,
            act.output_tokens,
            self._part.simulated,
            self._rng.getrandbits(32),
        )
        return await self._send(act, "chat", b"/v1/chat/completions", body, key)

    async def _post(self, act: Act, step: str, path: bytes, body: dict[str, str], token: str = "") -> Answer:
        return await self._send(act, step, path, msgspec.json.encode(body), token)

    async def _send(self, act: Act, step: str, path: bytes, body: bytes, token: str) -> Answer:
        fields = "".join(f"{name}: {value}\r\n" for name, value in act.fields if name != "connection")
        if token:
            fields += f"authorization: Bearer {token}\r\n"
        request = (
            b"POST %b HTTP/1.1\r\nhost: %b\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (
                path,
                self._host,
                fields.encode(),
                len(body),
                body,
            )
        )
        sent = time.monotonic()
        answer = await self._client.send(act.address, request, PATIENCE_S.get(act.who, HOSTILE_PATIENCE_S))
        whole = answer.whole and (
            step != "chat" or answer.status != 200 or answer.tail.rstrip().endswith(b"[DONE]")
        )
        self._outcomes.append(
            Outcome(
                act.who,
                step,
                sent - self._begin,
                answer.status,
                answer.begun_at - sent if answer.begun_at else 0.0,
                answer.ended_at - sent,
                whole,
            )
        )
        return answer

    def _key(self, act: Act) -> str:
        if act.key == "seeded":
            return self._part.keys["sleeper" if act.who == "sleeper" else "existing"][act.account]
        if act.key == "made_up":
            return "pl-" + "".join(
                self._rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", k=60)
            )
        return ""


def main() -> None:
    """``PART_FILE PLAYED_FILE``."""
    part = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Part)
    played = uvloop.run(Player(part).play())
    Path(sys.argv[2]).write_bytes(msgspec.msgpack.encode(played))


if __name__ == "__main__":
    main()
