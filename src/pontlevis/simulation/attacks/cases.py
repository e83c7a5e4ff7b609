"""All cases, in the order of the table."""

from pontlevis.simulation.attacks.case import Case
from pontlevis.simulation.attacks.cases_calls import CALLS
from pontlevis.simulation.attacks.cases_crowds import CROWDS
from pontlevis.simulation.attacks.cases_faults import FAULTS
from pontlevis.simulation.attacks.cases_mixed import MIXED
from pontlevis.simulation.attacks.cases_pages import PAGES
from pontlevis.simulation.attacks.cases_passwords import PASSWORDS
from pontlevis.simulation.attacks.cases_signups import SIGNUPS

CASES: dict[str, Case] = {
    case.name: case for case in (*CROWDS, *FAULTS, *SIGNUPS, *PASSWORDS, *CALLS, *PAGES, *MIXED)
}
GROUPS = tuple(dict.fromkeys(case.group for case in CASES.values()))


def chosen(words: list[str]) -> list[Case]:
    """Cases by name, or by the first word of their group. Raises ValueError for a word that names none."""
    found: dict[str, Case] = {}
    for word in words:
        of_word = {
            name: case for name, case in CASES.items() if word in (name, case.group, case.group.split()[0])
        }
        if not of_word:
            raise ValueError(f"there is no case or group {word!r}; the groups are {', '.join(GROUPS)}")
        found |= of_word
    return [case for case in CASES.values() if case.name in found]
