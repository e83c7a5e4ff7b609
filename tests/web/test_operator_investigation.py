"""The console's page of an investigation: real evidence, asked in a process of its own."""

from pathlib import Path

from evidence_house import House, accusation, act
from web_house import START, SUSPENDED, WebHouse

from pontlevis.brain.observation import Outcome
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.evidence.rows import finding_note


async def test_an_operator_reads_who_it_was(house: WebHouse, tmp_path: Path) -> None:
    """Clusters, accounts that gave way, a block list; in both languages; nobody else may."""
    for path in ("/investigation", "/investigation/abcd", "/investigation/abcd/block-list.csv"):
        async with house.console() as stranger:
            assert (await stranger.get(path)).headers["location"] == "/login"
    operator = await house.operator_client()
    assert "no incident yet" in (await operator.get("/investigation")).text
    await house.incidents.on_transition(Transition(START, PostureState(), SUSPENDED, "Two findings agree."))
    (incident,) = await house.incidents.incidents()
    house.now += 60
    answer = await operator.get(f"/investigation/{incident.id}")
    assert "No answer: " in answer.text
    assert "holds no evidence of that time" in answer.text
    french = await operator.get(f"/investigation/{incident.id}?lang=fr")
    assert "Pas de réponse" in french.text
    assert "aucune preuve de ce moment-là" in french.text
    assert (await operator.get("/investigation/00000000")).status_code == 404

    store = House(tmp_path)
    store.now = START
    store.keeper.note(finding_note(accusation(START, "198.51.100.7", fingerprints=(7,))))
    guesses = [
        act(START + each / 100, source=f"198.51.100.{each}", account=f"victim{each}") for each in range(90)
    ]
    store.batch([*guesses, act(START + 1, outcome=Outcome.OK, source="198.51.100.7", account="gaveway")])
    store.close()
    house.now += 120  # the answer of before is kept for a minute
    answer = await operator.get(f"/investigation/{incident.id}?lang=en")
    assert (await operator.get("/investigation")).headers["location"] == f"/investigation/{incident.id}"
    assert answer.status_code == 200
    assert "gaveway" in answer.text
    assert "sources that guess passwords" in answer.text
    assert "style=" not in answer.text  # the content security policy forbids it
    french = await operator.get(f"/investigation/{incident.id}?lang=fr")
    assert "Comptes qui ont cédé" in french.text
    assert "sources qui essaient des mots de passe" in french.text
    assert "sources that" not in french.text
    listed = await operator.get(f"/investigation/{incident.id}/block-list.csv")
    assert listed.headers["content-type"].startswith("text/csv")
    assert len(listed.text.splitlines()) >= 80
