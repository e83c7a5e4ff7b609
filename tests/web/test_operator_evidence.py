"""The console says how much evidence was kept, sampled, merged and lost, and why."""

import re

from test_operator_roles import operator_with
from web_house import WebHouse

from pontlevis.accounts.roles import Role
from pontlevis.evidence.keeper import FATES
from pontlevis.web.evidence_fates import LOSSES, evidence_fates


def _part(page: str) -> str:
    """The part on evidence, as text."""
    found = re.search(r'<div id="evidence-fates">(.*?)</div>\s*</section>', page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


async def test_it_says_what_became_of_the_acts(house: WebHouse) -> None:
    """In figures and words; nothing is said of what did not happen; an admin gets the way to the check."""
    operator = await house.operator_client()
    page = (await operator.get("/")).text
    assert "Nothing to note since the service started." in _part(page)
    assert 'href="/safety#evidence"' in page
    totals = house.service.totals
    totals.evidence.update(kept=12_345, sampled_out=700)
    calm = _part((await operator.get("/")).text)
    assert "kept one by one: 12 345." in calm.replace("\N{NO-BREAK SPACE}", " ")
    assert ("Sampled: 700 more" in calm, "Nothing was lost" in calm, "Without their source" in calm) == (
        True,
        True,
        False,
    )
    totals.evidence.update(merged=31, disk_slow=4, disk_refused=5, too_many_notes=6)
    totals.evidence_failing = True
    bad = _part((await operator.get("/")).text)
    for said in (
        "Without their source: 31.",
        "too slow (evidence.queue_s): 4",
        "the disk refused: 5",
        "one second: 6",
        "cannot be written now",
    ):
        assert said in bad, said
    assert "Nothing was lost" not in bad
    french = _part((await operator.get("/?lang=fr")).text)
    assert "Preuves depuis le démarrage" in french
    assert "trop lent (evidence.queue_s) : 4" in french.replace("\N{NO-BREAK SPACE}", " ")
    await operator.aclose()


async def test_a_viewer_gets_the_figures_without_the_way_to_safety(house: WebHouse) -> None:
    """That page is for admins."""
    viewer = await operator_with(house, Role.VIEWER)
    page = (await viewer.get("/")).text
    assert ("evidence-fates" in page, "/safety" in page) == (True, False)
    await viewer.aclose()


def test_switched_off_and_every_fate_that_is_a_loss(house: WebHouse) -> None:
    """A new way to lose evidence must be named here as well."""
    assert set(FATES) == {"kept", "sampled_out", *LOSSES}
    assert evidence_fates(house.service.totals, enabled=False).none
