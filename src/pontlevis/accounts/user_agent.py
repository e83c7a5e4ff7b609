"""Browser and system of a User-Agent header, in the few words by which somebody knows their own devices."""

LONGEST = 400  # characters looked at
_BROWSERS = (
    # In this order: nearly all call themselves Chrome or Safari, too.
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
    ("Python", "Python"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_label(agent: str) -> str:
    """``Firefox, Windows``; empty for what is not known. Nothing of the header itself is kept."""
    text = agent[:LONGEST]
    found = [next((name for mark, name in table if mark in text), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(each for each in found if each)
