"""The drill's own client: what it measures and how it takes what goes wrong."""

import asyncio
import time

import uvloop

from pontlevis.drill.client import Answer, LoadClient

REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
PROMPT = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def ask(answers: bytes, times: int = 1, timeout_s: float = 60.0) -> list[tuple[float, Answer]]:
    """So many requests, one after the other, to a server that answers with these bytes at once."""

    async def play() -> list[tuple[float, Answer]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answers)
                if not answers.startswith(b"HTTP"):
                    writer.close()
                    return

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = LoadClient("127.0.0.1", server.sockets[0].getsockname()[1])
        found = []
        for _ in range(times):
            sent = time.monotonic()
            found.append((sent, await client.send("127.0.0.1", REQUEST, timeout_s)))
        client.close()
        server.close()
        await asyncio.sleep(0.05)
        return found

    return uvloop.run(play())


def test_an_answer_that_comes_within_a_millisecond_has_begun_after_it_was_sent() -> None:
    """The event loop's clock has whole milliseconds: by it such an answer would count as none."""
    for sent, answer in ask(PROMPT, times=50):
        assert (answer.status, answer.whole) == (200, True)
        assert sent < answer.begun_at <= answer.ended_at


def test_a_server_that_hangs_up_or_says_nothing_is_an_answer_too() -> None:
    """Not whole, never an exception."""
    for nothing in (b"", b"garbage\r\n\r\n"):
        ((_, answer),) = ask(nothing, timeout_s=0.5)
        assert not answer.whole
        assert answer.status == 0
