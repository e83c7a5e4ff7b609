"""The operator's logo: a file of theirs, bounded, and of an SVG only what draws."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

MOST_BYTES = 262_144  # choice: a logo, not a photograph
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset(
    {
        "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "title", "desc", "defs",
        "linearGradient", "radialGradient", "stop", "clipPath", "mask", "text", "tspan",
    }
)  # fmt: skip
_ATTRIBUTES = frozenset(
    {
        "id", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "viewBox",
        "points", "transform", "fill", "fill-rule", "fill-opacity", "clip-rule", "clip-path", "mask", "stroke",
        "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-dasharray", "opacity",
        "offset", "stop-color", "stop-opacity", "gradientUnits", "gradientTransform", "fx", "fy",
        "preserveAspectRatio", "font-family", "font-size", "font-weight", "text-anchor", "version",
    }
)  # fmt: skip
_OWN_REFERENCE = re.compile(r"url\(\s*#[\w-]+\s*\)")


class BadLogo(ValueError):
    """The file is no logo that can be shown."""


@dataclass(frozen=True, slots=True)
class Logo:
    """What is served."""

    media_type: str
    data: bytes

    @property
    def suffix(self) -> str:
        return "png" if self.media_type == "image/png" else "svg"


def load_logo(file: Path) -> Logo:
    """Raises ``BadLogo`` with a readable reason."""
    try:
        with file.open("rb") as source:
            data = source.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadLogo(f"status.logo cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise BadLogo(f"status.logo has more than {MOST_BYTES} bytes")
    if data.startswith(_PNG):
        return Logo("image/png", data)
    return Logo("image/svg+xml", drawing(data))


def drawing(data: bytes) -> bytes:
    """An SVG with shapes, text and colours, and nothing else: no scripts, styles, links or foreign content.

    A list of what may stay, not of what must go. Declarations of entities are refused unread.
    """
    if b"<!DOCTYPE" in data.upper() or b"<!ENTITY" in data.upper():
        raise BadLogo("status.logo: an SVG with a DOCTYPE is not taken")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - the operator's own file, and no entities
    except (ElementTree.ParseError, ValueError, LookupError):
        raise BadLogo("status.logo is neither PNG nor SVG") from None
    if root.tag != f"{{{_SVG}}}svg":
        raise BadLogo("status.logo is neither PNG nor SVG")
    _keep_drawing(root)
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root)


def _keep_drawing(element: ElementTree.Element) -> None:
    for name, value in list(element.attrib.items()):
        outside = "url(" in value.lower().replace(" ", "") and not _OWN_REFERENCE.fullmatch(value.strip())
        if name not in _ATTRIBUTES or outside or ":" in value:
            del element.attrib[name]
    for child in list(element):
        space, _, name = str(child.tag).rpartition("}")
        if space != f"{{{_SVG}" or name not in _ELEMENTS:
            element.remove(child)
        else:
            _keep_drawing(child)
