"""An investigation in a process of its own: whoever serves pages must not share a core's time or memory with it.

``python -m pontlevis.investigation.ask`` reads a ``Question`` as JSON and writes an ``Investigation``, or
``NO_ANSWER`` and a ``Phrase`` that says why.
"""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import msgspec

from pontlevis.evidence.manifest import Broken
from pontlevis.investigation.investigate import Matter, investigate
from pontlevis.investigation.no_answer import NoEvidence, reason
from pontlevis.investigation.phrase import Phrase, phrase
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.result import Investigation

NICENESS = 10
WAIT_S = 120.0
NO_ANSWER = b"no answer: "


class Question(msgspec.Struct, frozen=True):
    """What is asked. Times are Unix seconds."""

    store: str
    subject: str
    since: float
    until: float
    policy: InvestigationPolicy
    pseudonymised: bool = False


async def answer(question: Question) -> Investigation | Phrase:
    """The investigation, or why there is none."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pontlevis.investigation.ask",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(WAIT_S):
            out, _ = await child.communicate(msgspec.json.encode(question))
    except TimeoutError:
        return phrase("no.time", wait=WAIT_S)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    try:
        if out.startswith(NO_ANSWER):
            return msgspec.json.decode(out[len(NO_ANSWER) :], type=Phrase)
        return msgspec.json.decode(out, type=Investigation)
    except msgspec.DecodeError:
        return phrase("no.failed")


def main() -> None:
    """Answers one question."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    try:
        made = investigate(
            Path(question.store),
            Matter(question.subject, question.since, question.until),
            question.policy,
            pseudonymised=question.pseudonymised,
        )
    except (NoEvidence, Broken, OSError) as error:
        sys.stdout.buffer.write(NO_ANSWER + msgspec.json.encode(reason(error)))
    else:
        sys.stdout.buffer.write(msgspec.json.encode(made))


if __name__ == "__main__":
    main()
