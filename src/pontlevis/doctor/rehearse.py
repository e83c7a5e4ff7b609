"""What another policy would have made of the last while, in a process of its own.

The replay takes a core for seconds; the controller, which may be fighting an attack, must not feel it. Reads one
JSON object on standard input and writes one on standard output: ``python -m pontlevis.doctor.rehearse``.
"""

import os
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from pontlevis.config import Settings
from pontlevis.doctor.yesterday import Yesterday, replay_journal
from pontlevis.evidence.journal import FOLDER
from pontlevis.policy_file import BadPolicyFile, Change, changes, read_tables, ruled, section_names

NICENESS = 15
MEMORY_BYTES = 2 << 30
"""Address space: a replay of an hour takes a few hundred MiB."""


class Question(msgspec.Struct):
    """``settings`` are those without a policy file, ``running`` those in force; both as ``Settings`` writes them."""

    settings: msgspec.Raw
    running: msgspec.Raw
    policy: str
    """TOML; empty: no policy file at all."""
    since: float
    until: float


class Rehearsal(msgspec.Struct):
    """``problems``: why the policy is no policy; then there is nothing else. ``found`` is None where the journal
    holds nothing of that time."""

    problems: list[str] = []
    changes: list[Change] = []
    """Against the policy in force."""
    found: Yesterday | None = None


def rehearse(question: Question) -> Rehearsal:
    """Replays the journal under the policy asked about."""
    settings = Settings(**msgspec.json.decode(question.settings))
    running = Settings(**msgspec.json.decode(question.running))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "policy.toml"
        file.write_text(question.policy, "utf-8")
        try:
            wanted = ruled(settings, read_tables(file), "the policy")
        except BadPolicyFile as error:
            return Rehearsal([each.replace(str(file), "the policy") for each in error.problems])
    against = running.model_copy(update={each: getattr(wanted, each) for each in section_names()})
    found = replay_journal(settings.data / FOLDER, wanted, since=question.since, until=question.until)
    return Rehearsal([], changes(running, against), found)


def main() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    sys.stdout.buffer.write(msgspec.json.encode(rehearse(question)))


if __name__ == "__main__":
    main()
