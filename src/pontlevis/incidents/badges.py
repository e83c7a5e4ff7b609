"""Badges: a small picture with two words, for other people's pages. Made by hand: no font is needed to size it."""

from html import escape

from pontlevis.incidents.components import Status

# Widths of Verdana at 11 px, in tenths of a pixel, rounded up by class: enough for a picture this size.
_NARROW = frozenset("fijlrt.,:;!|'()[] I")
_WIDE = frozenset("mwMW%@")
_LONGEST = 60

COLOURS = {
    Status.OPERATIONAL: "#2f7d4f",
    Status.DEGRADED: "#a86a00",
    Status.PARTIAL: "#b4521a",
    Status.MAJOR: "#b3261e",
    Status.MAINTENANCE: "#3c6cb4",
}
BY_INDICATOR = {
    "none": COLOURS[Status.OPERATIONAL],
    "minor": COLOURS[Status.DEGRADED],
    "major": COLOURS[Status.PARTIAL],
    "critical": COLOURS[Status.MAJOR],
    "maintenance": COLOURS[Status.MAINTENANCE],
}


def badge(label: str, message: str, colour: str) -> str:
    """SVG, 20 px high, flat, in the proportions that Shields made usual."""
    label, message = label[:_LONGEST], message[:_LONGEST]
    left, right = _width(label) + 12, _width(message) + 12
    said = escape(f"{label}: {message}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{said}">'
        f"<title>{said}</title>"
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(message)}</text></g></svg>\n'
    )


def _width(text: str) -> int:
    return round(sum(4.2 if each in _NARROW else 10.5 if each in _WIDE else 7.2 for each in text))
