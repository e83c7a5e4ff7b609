"""Why an investigation has no answer, as a phrase to be said in any language."""

from pontlevis.evidence.manifest import Broken
from pontlevis.investigation.phrase import Phrase, phrase


class NoEvidence(ValueError):
    """There is nothing to ask: ``store`` holds nothing of that time."""

    def __init__(self, store: str) -> None:
        super().__init__(f"{store} holds no evidence of that time")
        self.store = store


def reason(error: NoEvidence | Broken | OSError) -> Phrase:
    """What to tell; the place where a chain breaks and the system's own words stay as they are."""
    if isinstance(error, NoEvidence):
        return phrase("no.evidence", store=error.store)
    if isinstance(error, Broken):
        return phrase("no.broken", why=str(error))
    return phrase("no.disk", why=error.strerror or str(error))
