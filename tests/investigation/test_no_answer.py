"""Why there is no answer, said in the language that was asked for."""

from pathlib import Path

import pytest

from pontlevis.evidence.manifest import Broken
from pontlevis.investigation import ask
from pontlevis.investigation.no_answer import NoEvidence, reason
from pontlevis.investigation.phrase import Phrase
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.tongue import Tongue, texts_of

FRENCH = Tongue("fr")


@pytest.mark.parametrize(
    ("error", "english", "french"),
    [
        (NoEvidence("/d/evidence"), "/d/evidence holds no evidence of that time", "/d/evidence n'a aucune preuve de ce moment-là"),
        (Broken("line 3", "it was changed"), "the evidence does not hold (line 3: it was changed)", "les preuves ne tiennent pas (line 3: it was changed)"),
        (OSError(5, "Input/output error"), "the evidence cannot be read (Input/output error)", "les preuves ne peuvent pas être lues (Input/output error)"),
    ],
    ids=["none", "broken", "disk"],
)  # fmt: skip
def test_every_reason_is_said_in_both_languages(
    error: NoEvidence | Broken | OSError, english: str, french: str
) -> None:
    """What only the program can say stays in its words."""
    assert (Tongue("en").say(reason(error)), FRENCH.say(reason(error))) == (english, french)


async def test_a_process_of_its_own_hands_the_reason_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a phrase, so that who shows it chooses the language; a name of a folder cannot make it anything else."""
    store = tmp_path / 'evidence {since} "x"'
    store.mkdir()
    question = ask.Question(str(store), "the case", 0.0, 1.0, InvestigationPolicy())
    found = await ask.answer(question)
    assert isinstance(found, Phrase)
    assert FRENCH.say(found) == f"{store} n'a aucune preuve de ce moment-là"
    monkeypatch.setattr(ask, "WAIT_S", 0.0)
    late = await ask.answer(question)
    assert isinstance(late, Phrase)
    assert FRENCH.say(late).startswith("cela a pris plus de 0")


def test_the_commands_texts_are_there() -> None:
    """Every head of the table, by the names that the command asks for."""
    from pontlevis.cli.investigate import _COLUMNS

    assert {f"terminal.{each}" for each in _COLUMNS} <= set(texts_of("fr"))
